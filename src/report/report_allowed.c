// SPDX-License-Identifier: GPL-2.0-or-later
//
// What may pass, in DICOM's words: which associations there can be, who opens them, and for what.
#include "report/report.h"

#include "base/problem.h"

// Service classes of DICOM PS3.4 by their full names.
static const char *const service_titles[POLICY_DICOM_COUNT] = {
        [POLICY_ECHO] = "Verification",
        [POLICY_STORAGE] = "Storage",
        [POLICY_STORAGE_COMMITMENT] = "Storage Commitment",
        [POLICY_WORKLIST] = "Modality Worklist",
        [POLICY_MPPS] = "Modality Performed Procedure Step",
        [POLICY_QUERY_RETRIEVE] = "Query/Retrieve",
        [POLICY_PRINT] = "Print Management",
        [POLICY_INSTANCE_AVAILABILITY] = "Instance Availability Notification",
        [POLICY_MEDIA_CREATION] = "Media Creation Management",
        [POLICY_UNIFIED_PROCEDURE_STEP] = "Unified Procedure Step",
        [POLICY_RELEVANT_PATIENT_INFORMATION] = "Relevant Patient Information Query",
        [POLICY_HANGING_PROTOCOL] = "Hanging Protocol Storage and Query/Retrieve",
        [POLICY_COLOR_PALETTE] = "Color Palette Storage and Query/Retrieve",
        [POLICY_IMPLANT_TEMPLATE] = "Implant Template Storage and Query/Retrieve",
        [POLICY_SUBSTANCE_ADMINISTRATION] = "Substance Administration Query",
        [POLICY_PROTOCOL_APPROVAL] = "Protocol Approval Storage and Query/Retrieve",
        [POLICY_DISPLAY_SYSTEM] = "Display System Management",
        [POLICY_RT_MACHINE_VERIFICATION] = "RT Machine Verification",
        [POLICY_INVENTORY] = "Inventory Storage and Query/Retrieve",
};

static const struct page_column device_columns[] = {{"Device", 14, PAGE_WORDS},
                                                    {"AE titles", 18, PAGE_WORDS},
                                                    {"Addresses", 22, PAGE_WORDS},
                                                    {"Listens on", 12, PAGE_WORDS}};
static const struct page_column association_columns[] = {{"Opened by", 18, PAGE_TITLED},
                                                         {"to", 18, PAGE_TITLED},
                                                         {"TCP port", 8, PAGE_WORDS},
                                                         {"for (role of the device)", 30, PAGE_WORDS}};

// The peer's result of a commitment, and the events of a procedure step, come on an association that the peer
// opens: who opens it is then not the SCU (PS3.4 annexes J and CC).
static bool answers_come_back(enum policy_dicom service)
{
	return service == POLICY_STORAGE_COMMITMENT || service == POLICY_UNIFIED_PROCEDURE_STEP;
}

static void add_services(struct buffer *text, const struct policy_peer *peer, bool peer_opens)
{
	uint32_t set = peer_opens ? peer->accepts : peer->initiates;
	const char *separator = "";

	for (unsigned i = 0; i < POLICY_DICOM_COUNT; i++) {
		const char *role = peer_opens ? "SCP" : "SCU";

		if (!(set & 1u << i))
			continue;
		if (peer_opens && answers_come_back((enum policy_dicom)i))
			role = peer->initiates & 1u << i ? "SCU, for results" : "SCU for results, or SCP";
		buffer_printf(text, "%s%s (%s)", separator, service_titles[i], role);
		separator = "\n";
	}
}

static void add_peer(struct buffer *text, const struct policy *policy, const struct policy_peer *peer)
{
	report_word(text, &peer->name);
	if (peer->titles.count) {
		buffer_text(text, "\n");
		report_words(text, policy->titles, &peer->titles, ", ");
	}
	buffer_text(text, "\n");
	report_prefixes(text, policy, &peer->addresses, "\n");
}

static void add_devices(struct buffer *text, const struct policy *policy, const struct policy_peer *peer)
{
	if (!peer->devices.count && policy->device_count == 1)
		report_word(text, &policy->devices[0].name);
	else if (!peer->devices.count)
		buffer_text(text, "every device");
	for (uint32_t i = 0; i < peer->devices.count; i++) {
		if (i)
			buffer_text(text, ", ");
		report_word(text, &policy->devices[policy->device_refs[peer->devices.first + i]].name);
	}
}

// The ports of the devices that the peer is for; each once, in the order of the policy.
static void add_device_ports(struct buffer *text, const struct policy *policy, const struct policy_peer *peer)
{
	size_t count = peer->devices.count ? peer->devices.count : policy->device_count;
	const char *separator = "";

	for (size_t i = 0; i < count; i++) {
		size_t device = peer->devices.count ? policy->device_refs[peer->devices.first + i] : i;
		const struct span *ports = &policy->devices[device].ports;

		if (!ports->count)
			continue;
		buffer_text(text, separator);
		report_ports(text, policy, ports);
		separator = "\n";
	}
}

static void write_devices(const struct policy *policy, struct page *page)
{
	struct buffer text = BUFFER_EMPTY;
	char mac[MAC_TEXT_MAX];

	page_part(page, "The devices behind the wall");
	if (!policy->device_count) {
		page_paragraph(page, "The policy names none.");
		return;
	}
	page_table(page, device_columns, 4);
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];

		report_word(&text, &device->name);
		page_cell_text(page, &text);
		buffer_clear(&text);
		report_words(&text, policy->titles, &device->titles, "\n");
		page_cell_text(page, &text);
		buffer_clear(&text);
		report_prefixes(&text, policy, &device->addresses, "\n");
		if (!device->addresses.count)
			buffer_text(&text, "this host's");
		if (device->mac_at)
			buffer_printf(&text, "\nonly from card %s", mac_print(&device->mac, mac));
		page_cell_text(page, &text);
		buffer_clear(&text);
		report_ports(&text, policy, &device->ports);
		if (!device->ports.count)
			buffer_text(&text, "-");
		page_cell_text(page, &text);
		buffer_clear(&text);
	}
	buffer_fini(&text);
}

static void write_association(const struct policy *policy, const struct policy_peer *peer, bool peer_opens,
                              struct page *page)
{
	struct buffer peer_text = BUFFER_EMPTY, device_text = BUFFER_EMPTY, text = BUFFER_EMPTY;

	add_peer(&peer_text, policy, peer);
	add_devices(&device_text, policy, peer);
	page_cell_text(page, peer_opens ? &peer_text : &device_text);
	page_cell_text(page, peer_opens ? &device_text : &peer_text);
	if (peer_opens)
		add_device_ports(&text, policy, peer);
	else
		report_ports(&text, policy, &peer->ports);
	if (!peer_opens && peer->tls_at)
		buffer_text(&text, "\nTLS");
	page_cell_text(page, &text);
	buffer_clear(&text);
	add_services(&text, peer, peer_opens);
	buffer_text(&text, "\n");
	report_place(&text, &policy->sources, peer_opens ? peer->accepts_at : peer->initiates_at);
	page_cell_text(page, &text);
	buffer_fini(&peer_text);
	buffer_fini(&device_text);
	buffer_fini(&text);
}

static void write_associations(const struct policy *policy, struct page *page)
{
	bool any = false, tls = false;

	page_part(page, "DICOM associations");
	for (size_t i = 0; i < policy->peer_count; i++) {
		any = any || policy->peers[i].initiates || policy->peers[i].accepts;
		tls = tls || policy->peers[i].tls_at;
	}
	if (!any) {
		page_paragraph(page, "None: no DICOM passes.");
		return;
	}
	page_paragraph(page,
	               "Each row is one direction in which a connection may be begun, with the line of the "
	               "policy that says so. The wall keeps addresses, ports and that direction. The services "
	               "and AE titles are what the policy's author stated, after the devices' conformance "
	               "statements: the wall does not look into an association, so any DICOM service passes "
	               "where a port is open.%s",
	               tls ? " TLS says that the peer's port speaks DICOM TLS, which is the devices' to do."
	                   : "");
	page_table(page, association_columns, 4);
	for (size_t i = 0; i < policy->peer_count; i++) {
		if (policy->peers[i].initiates)
			write_association(policy, &policy->peers[i], false, page);
		if (policy->peers[i].accepts)
			write_association(policy, &policy->peers[i], true, page);
	}
}

void report_allowed(const struct report_facts *facts, struct page *page)
{
	static const char *const where[] = {
	        [POLICY_ROLE_NONE] = "",
	        [POLICY_ROLE_HOST] =
	                "The wall stands on the device itself, and judges what comes in and goes out.",
	        [POLICY_ROLE_ROUTER] =
	                "The wall stands on a gateway that routes between the devices and everything "
	                "else. It judges what is routed to and from them, and the gateway's own traffic.",
	        [POLICY_ROLE_BRIDGE] =
	                "The wall stands in a transparent gateway between the devices and everything "
	                "else. It judges each frame that crosses, and the gateway's own traffic."};

	if (!facts->policy) {
		page_paragraph(page, "%s", report_no_policy(facts));
		return;
	}
	page_paragraph(page, "%s What is not listed in this section is dropped, in both directions.",
	               where[facts->policy->role]);
	write_devices(facts->policy, page);
	write_associations(facts->policy, page);
}
