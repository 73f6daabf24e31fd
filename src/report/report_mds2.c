// SPDX-License-Identifier: GPL-2.0-or-later
//
// ANSI/NEMA HN 1-2019, the Manufacturer Disclosure Statement for Medical Device Security (MDS2): its items
// about audit, connectivity, node authentication and the bill of materials. Numbers are the form's, questions
// are put in our own words. An answer says what leadglass does, and nothing of the device it protects.
#include "report/report.h"

#include <inttypes.h>

// Whether the policy opens the way to a service of this kind.
static bool opens(const struct policy *policy, enum policy_service_kind kind)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		if (policy->services[i].kind == kind)
			return true;
	}
	return false;
}

static void about_time(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (facts->policy)
		buffer_text(text, opens(facts->policy, POLICY_SERVICE_NTP) ? " This policy does."
		                                                           : " This policy opens none.");
}

static void about_collector(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (facts->agent && facts->agent->now.status->collector[0])
		buffer_printf(text, " Here: %s.", facts->agent->now.status->collector);
	else if (facts->agent)
		buffer_text(text, " Here no collector is set.");
}

// The first globally routable address or network that somebody may talk to, or be reached from.
static const struct policy_prefix *first_public(const struct policy *policy, size_t *ret_count)
{
	const struct policy_prefix *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < policy->prefix_count; i++) {
		if (!prefix_is_public(&policy->prefixes[i].prefix))
			continue;
		first = first ? first : &policy->prefixes[i];
		++*ret_count;
	}
	return first;
}

static void about_outside(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	const struct policy_prefix *first;
	char prefix[PREFIX_TEXT_MAX];
	size_t count;

	if (!facts->policy)
		return;
	first = first_public(facts->policy, &count);
	*verdict = first ? REPORT_YES : REPORT_NO;
	if (first)
		buffer_printf(text, " This policy names %zu such address%s, the first %s.", count,
		              count == 1 ? "" : "es", prefix_print(&first->prefix, prefix));
	else
		buffer_text(text, " This policy names none.");
}

static void about_tls(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	size_t count = 0;

	(void)verdict;
	if (!facts->policy)
		return;
	for (size_t i = 0; i < facts->policy->peer_count; i++)
		count += facts->policy->peers[i].tls_at != 0;
	buffer_printf(text, " It says so of %zu of %zu peers.", count, facts->policy->peer_count);
}

static void about_service(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (facts->policy)
		buffer_text(text, facts->policy->manage.at ? " This policy has a manage block."
		                                           : " This policy has no manage block.");
	if (facts->agent)
		buffer_printf(text, " %zu service window%s open.", facts->agent->now.window_count,
		              facts->agent->now.window_count == 1 ? " is" : "s are");
}

static void about_image(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text)
{
	(void)verdict;
	if (facts->agent)
		buffer_text(text, facts->release ? " This box runs such an image (section 5)."
		                                 : " This machine runs no such image.");
}

#define NOT_THE_DEVICES "The device's own: its manufacturer answers it."

static const struct report_answer answers[] = {
        {"AUDT-1", "Logs beyond the operating system's", REPORT_YES,
         "The agent logs what becomes of the wall and who was turned away.",
         "Section 4; leadglass drops; the journal of leadglassd", NULL},
        {"AUDT-1.1", "Is a user named?", REPORT_IN_PART,
         "Whoever changes the wall is named as sudo and the login say; that is for people to read and proves "
         "nothing. Packets have addresses and no users.",
         "Section 3; leadglass history", NULL},
        {"AUDT-1.2", "Other personal information in it", REPORT_IN_PART,
         "Nothing of patients: no contents of packets are kept. Names of administrators, addresses and MAC "
         "addresses "
         "are there.",
         "Sections 3 and 4", NULL},
        {"AUDT-2", "Are events recorded?", REPORT_YES, "Those of the wall; see below.", "leadglassd(8)", NULL},
        {"AUDT-2.1", "Logins that succeed", REPORT_NO, "Logins are the operating system's.", "-", NULL},
        {"AUDT-2.2", "Logins that fail", REPORT_NO, "The same.", "-", NULL},
        {"AUDT-2.3", "Changes of privileges", REPORT_NO, "The same.", "-", NULL},
        {"AUDT-2.4", "Users made, changed, deleted", REPORT_NO, "The same.", "-", NULL},
        {"AUDT-2.5", "Clinical or personal data shown", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},
        {"AUDT-2.6", "Data made, changed, deleted", REPORT_NOT_OURS,
         NOT_THE_DEVICES " Each policy that was applied is recorded.", "Section 3", NULL},
        {"AUDT-2.7", "Removable media", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},
        {"AUDT-2.8", "What is sent and received", REPORT_IN_PART,
         "What was dropped, with source, destination, port and reason, at a bounded rate; what passed only as "
         "sums for "
         "each peer. Single associations are not recorded.",
         "Section 4; leadglass drops --json", NULL},
        {"AUDT-2.8.1", "Remote or on-site support", REPORT_IN_PART,
         "Who was let in for how long and why (leadglass allow), not what was done.", "Section 1; the log",
         NULL},
        {"AUDT-2.8.2", "Use of an API", REPORT_NO, "leadglass has none on the network.", "-", NULL},
        {"AUDT-2.9", "Emergency access", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},
        {"AUDT-2.10", "Other events", REPORT_YES,
         "Policies applied, confirmed, rolled back and refused; changes of the wall by others, with the "
         "process where "
         "the kernel names it; repairs; alarms raised and lifted; ports that join and leave.",
         "Sections 2 and 3; the log", NULL},
        {"AUDT-2.11", "Is the audit described in more detail?", REPORT_YES,
         "What is logged and counted, and each alarm.",
         "leadglassd(8), leadglass-policy(5), docs/failure-modes.md", NULL},
        {"AUDT-3", "Can the owner choose what is recorded?", REPORT_IN_PART,
         "How many dropped packets a second are logged, or none; all else always is.",
         "leadglass-policy(5), log", NULL},
        {"AUDT-4", "Is there a list of what is recorded of an event?", REPORT_YES, "Of each answer as JSON.",
         "leadglass-json(5)", NULL},
        {"AUDT-4.1", "Date and time", REPORT_YES, "Of each event.", "Section 4", NULL},
        {"AUDT-4.1.1", "Is the time synchronised?", REPORT_IN_PART,
         "leadglass sets no clock; a policy can open the way to a time server.", "Section 1", about_time},
        {"AUDT-5", "Can the log be exported?", REPORT_YES,
         "As JSON, to the journal, as RFC 5424 to collectors.", "leadglass report --json; leadglassd --syslog",
         NULL},
        {"AUDT-5.1", "On physical media", REPORT_IN_PART,
         "What the commands write can be kept anywhere; there is no function for it.",
         "leadglass report > FILE", NULL},
        {"AUDT-5.2", "By IHE ATNA", REPORT_NO,
         "The frame is RFC 5424, but the messages are no DICOM audit messages (PS3.15 A.5), and there is no "
         "TLS to "
         "the collector.",
         "-", NULL},
        {"AUDT-5.3", "By other communication", REPORT_YES,
         "Syslog over UDP or TCP; OpenMetrics text for a monitoring system.", "Section 5; leadglass metrics",
         about_collector},
        {"AUDT-5.4", "Encrypted in transit or at rest", REPORT_NO, "Neither.", "-", NULL},
        {"AUDT-6", "Can the owner watch it?", REPORT_YES, "Root, and the group of the agent's socket.",
         "leadglass drops --follow", NULL},
        {"AUDT-7", "Protected from modification", REPORT_IN_PART,
         "The record of policies is the agent's alone and carries check sums; root can change it. A collector "
         "elsewhere is the copy that root here cannot.",
         "leadglassd(8), Files", NULL},
        {"AUDT-7.1", "Protected from access", REPORT_YES, "Root, and the group of the agent's socket, may ask.",
         "leadglassd(8), --group", NULL},
        {"AUDT-8", "Can the device analyse it?", REPORT_IN_PART,
         "Packets are put together by who tried what, each with the reason in the policy's words; nothing is "
         "correlated.",
         "Section 4", NULL},

        {"CONN-1", "Hardware for connections (1.1 to 1.2.4)", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},
        {"CONN-2", "Is there a list of ports and protocols?", REPORT_YES,
         "Section 1 lists all that can be used through this wall, in both directions. What the device itself "
         "could "
         "use is its manufacturer's to list.",
         "Section 1; leadglass print --json @running", NULL},
        {"CONN-3", "Does it talk to systems of the customer?", REPORT_YES,
         "To those of section 1 and to no others, as far as this wall is in the way.", "Section 1", NULL},
        {"CONN-4", "Does it talk to systems outside?", REPORT_NOT_OURS,
         "A policy names whom; private addresses can be routed elsewhere by others, which leadglass does not "
         "see.",
         "Section 1; leadglass check warns of public addresses", about_outside},
        {"CONN-5", "API calls", REPORT_NOT_OURS,
         NOT_THE_DEVICES " leadglass itself makes and takes none over the network.", "-", NULL},
        {"CONN-6", "Does it need the internet?", REPORT_NO,
         "leadglass does not. Whether the device does is its manufacturer's to say.", "-", NULL},
        {"CONN-7", "TLS", REPORT_NO,
         "leadglass ends and begins no TLS. A policy can say that a peer's port speaks DICOM TLS; the devices "
         "must do "
         "it.",
         "Section 1", about_tls},
        {"CONN-7.1", "Can TLS be configured?", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},
        {"CONN-8", "Operated from a separate device", REPORT_NOT_OURS, NOT_THE_DEVICES, "-", NULL},

        {"NAUT-1", "Do both ends know each other?", REPORT_NO,
         "The wall knows addresses, ports and directions. An AE title is kept and proves nothing; a card's "
         "address "
         "ties a device to its place and can be forged.",
         "Section 1", NULL},
        {"NAUT-2", "A firewall, or a list of allowed connections", REPORT_YES,
         "Both: a list of allowed connections in both directions, and everything else is dropped.",
         "Sections 1 and 2; leadglass verify", NULL},
        {"NAUT-2.1", "Is its ruleset documented and open to review?", REPORT_YES,
         "Whole: as a policy and as the rules that are in force, which are compared with the kernel's.",
         "Sections 9 and 10; leadglass render @running", NULL},
        {"NAUT-3", "Certificates for network connections", REPORT_NO,
         "leadglass verifies certificates of policies and updates, not of connections.", "Section 3", NULL},

        {"RMOT-1", "Remote service connections", REPORT_IN_PART,
         "Only from whom the policy names, or through a window that closes by itself.",
         "Section 1; leadglass allow", about_service},
        {"TXCF-3", "Only to a fixed list of destinations", REPORT_YES, "Those of section 1, through this wall.",
         "Section 1", NULL},

        {"SBOM-1", "Is there a bill of materials?", REPORT_YES,
         "Of the firmware image. The Debian package names the packages it stands on.",
         "Beside the image: leadglass-BOARD.cdx.json; dpkg -s leadglass", about_image},
        {"SBOM-2", "In a common form", REPORT_YES, "CycloneDX 1.5, JSON.", "leadglass-BOARD.cdx.json", NULL},
        {"SBOM-2.1", "Are components identified?", REPORT_YES, "By name and package URL.",
         "leadglass-BOARD.cdx.json", NULL},
        {"SBOM-2.2", "Their makers", REPORT_IN_PART, "The supplier, which is Debian, not each author.",
         "leadglass-BOARD.cdx.json", NULL},
        {"SBOM-2.3", "Their versions", REPORT_YES, "The full version of the package.",
         "leadglass-BOARD.cdx.json", NULL},
        {"SBOM-2.4", "More about them", REPORT_YES, "Licence, and what of it is in the image.",
         "leadglass-BOARD.cdx.json", NULL},
        {"SBOM-3", "A command that lists what is installed", REPORT_NO,
         "None of leadglass; on Debian dpkg --list does.", "-", NULL},
        {"SBOM-4", "Is the bill of materials kept up to date?", REPORT_YES,
         "Each build of an image writes its own.", "firmware/build", NULL},
};

const struct report_questions report_mds2 = {
        .title = "ANSI/NEMA HN 1-2019, Manufacturer Disclosure Statement for Medical Device Security: audit "
                 "controls "
                 "(AUDT), connectivity (CONN), node authentication (NAUT), bill of materials (SBOM), and two "
                 "items more.",
        .about = "The form is the manufacturer's, about a device. These are the answers that leadglass can "
                 "give for "
                 "itself, to be taken over where leadglass is part of the device, or cited as a compensating "
                 "control "
                 "where it stands before one. The questions are put in our own words.",
        .answers = answers,
        .count = sizeof(answers) / sizeof(answers[0]),
};
