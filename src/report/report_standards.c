// SPDX-License-Identifier: GPL-2.0-or-later
//
// The FDA's security control categories, and what IEC 62443-4-2 asks of a zone's boundary.
#include "report/report.h"

#include <inttypes.h>

static void about_trust(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (!facts->agent)
		return;
	buffer_text(text, facts->agent->now.status->trust == CONTROL_TRUST_SIGNED
	                          ? " Here the policy that stands is signed."
	                  : facts->agent->now.status->trust == CONTROL_TRUST_UNSIGNED
	                          ? " Here nobody asks for signatures: there is no trust anchor."
	                          : " Here the policy that stands is NOT trusted: see section 3.");
}

static void about_owner(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (facts->agent)
		buffer_text(text,
		            facts->agent->now.status->owned
		                    ? " Here the kernel keeps others from the rules."
		                    : " Here it does not: a change stands until it is found and repaired.");
}

static void about_zone(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	if (!facts->policy)
		return;
	if (facts->policy->role == POLICY_ROLE_HOST) {
		*verdict = REPORT_IN_PART;
		buffer_text(text,
		            " Here the wall stands on the device: it is the boundary of that device alone, and "
		            "no network component between zones.");
	} else {
		buffer_printf(text, " Here: role %s, with %zu device%s behind it.",
		              policy_role_name(facts->policy->role), facts->policy->device_count,
		              facts->policy->device_count == 1 ? "" : "s");
	}
}

static const struct report_answer fda_answers[] = {
        {"A", "Authentication", REPORT_IN_PART,
         "Of policies and firmware updates, by signature and certificate, before anything parses them. Users "
         "are the "
         "operating system's. Peers are told by address, which is no authentication.",
         "Section 3; leadglass-sign(8)", about_trust},
        {"B", "Authorization", REPORT_IN_PART,
         "What is not allowed is dropped, in both directions; only root changes the wall; a trust anchor can "
         "be bound "
         "to what it may change; service windows close by themselves. What an allowed peer does within DICOM "
         "is "
         "not limited.",
         "Sections 1 and 3", NULL},
        {"C", "Cryptography", REPORT_IN_PART,
         "Signatures are verified, nothing is encrypted: ECDSA P-256 and P-384, RSA-PSS from 3072 bits, "
         "SHA-256 and "
         "SHA-384, by mbedTLS. No validation (FIPS 140) is claimed.",
         "docs/signed-policy.md", NULL},
        {"D", "Code, Data, and Execution Integrity", REPORT_IN_PART,
         "The kernel's rules are read back and compared; foreign changes are kept out or repaired; what the "
         "agent keeps "
         "carries check sums; it runs under seccomp and Landlock with one capability; the firmware's root is "
         "read-only. There is no Secure Boot.",
         "Sections 2 and 5; leadglass verify", about_owner},
        {"E", "Confidentiality", REPORT_IN_PART,
         "Data can leave the device only for the listed peers. Nothing is encrypted: patient data crosses the "
         "wall as "
         "the devices send it.",
         "Section 1", NULL},
        {"F", "Event Detection and Logging", REPORT_IN_PART,
         "Who was turned away and why, foreign changes with the process behind them, alarms; to the journal "
         "and to "
         "collectors. What happens inside an allowed association is not seen.",
         "Sections 2 and 4", NULL},
        {"G", "Resiliency and Recovery", REPORT_YES,
         "A policy that is not confirmed goes back by itself; any failure keeps the wall that stood; the wall "
         "stands "
         "without the agent; without a policy the wall is closed; the firmware has two slots and goes back to "
         "the good "
         "one.",
         "docs/failure-modes.md", NULL},
        {"H", "Firmware and Software Updates", REPORT_IN_PART,
         "Of the firmware image: signed, never older, written to the slot that does not run, tried, accepted "
         "or given "
         "up. Nothing updates by itself, and the device behind the wall is not updated.",
         "leadglass-update(8)", NULL},
};

const struct report_questions report_fda = {
        .title = "FDA, Cybersecurity in Medical Devices: Quality (Management) System Considerations and "
                 "Content of "
                 "Premarket Submissions, Appendix 1. Its eight categories are the same in the issues of "
                 "2023-09-27, "
                 "2025-06-27 and 2026-02-03.",
        .about = "For the part of a submission that relies on this wall. Which test of the source proves what, "
                 "docs/failure-modes.md says; the risk assessment is the manufacturer's.",
        .answers = fda_answers,
        .count = sizeof(fda_answers) / sizeof(fda_answers[0]),
};

static const struct report_answer iec_answers[] = {
        {"CR 5.1", "Network segmentation", REPORT_YES,
         "The devices are a zone of their own, and the listed associations are its conduits.", "Section 1",
         about_zone},
        {"NDR 5.2", "Zone boundary protection", REPORT_YES,
         "What crosses the boundary is judged packet by packet, counted, and what is dropped is logged at a "
         "bounded rate.",
         "Sections 1, 2 and 4; leadglass verify", about_zone},
        {"NDR 5.2\nRE 1", "Deny all, permit by exception", REPORT_YES,
         "Chains have policy drop and end in a drop rule; what passes is a list, in both directions.",
         "Section 10; leadglass render @running", NULL},
        {"NDR 5.2\nRE 2", "Island mode", REPORT_YES,
         "A policy without peers and services cuts every connection with one transaction; in role bridge "
         "without devices "
         "not even ARP crosses. It is applied by a person: nothing isolates by itself.",
         "leadglass apply; leadglass-report(8), Examples", NULL},
        {"NDR 5.2\nRE 3", "Fail close", REPORT_YES,
         "The rules stand in the kernel without the agent; without a policy that can be used the closed wall "
         "goes up "
         "before the network; a bridge's ports leave when its wall cannot be verified. Whoever is root can "
         "take the "
         "wall down.",
         "docs/failure-modes.md; section 2", about_owner},
        {"CR 7.6", "Network and security configuration settings", REPORT_YES,
         "The settings that are in force are shown as policy, as rules and as state.",
         "Sections 1, 2, 9 and 10; leadglass show; leadglass status", NULL},
        {"CR 7.6\nRE 1", "Machine-readable reporting of current security settings", REPORT_YES,
         "This report, the policy and the state as JSON; the state as OpenMetrics.",
         "leadglass report --json; leadglass-json(5)", NULL},
};

const struct report_questions report_iec = {
        .title = "IEC 62443-4-2:2019, Technical security requirements for IACS components: the requirements "
                 "that the "
                 "boundary of a zone meets.",
        .about = "leadglass has been certified by nobody. The component requirements that are not listed here "
                 "are not "
                 "answered: among them users and passwords (FR 1, FR 2), which are the operating system's.",
        .answers = iec_answers,
        .count = sizeof(iec_answers) / sizeof(iec_answers[0]),
};
