// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: fake_agent FOLDER SCENE
// Answers on FOLDER/control as an agent would in a certain situation, so that what the command makes of it can
// be looked at. Writes "ready" once it listens; ends when its standard input does. Times are fixed, but for a
// drop that is followed and of today.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"

#define NOW 1795305036 // 2026-11-21 23:50:36 UTC
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct control_status up = {
        .now = NOW,
        .started_at = NOW - 3 * 86400,
        .verified_at = NOW - 120,
        .applied_at = NOW - 7500,
        .wall = CONTROL_WALL_UP,
        .role = 1,
        .owned = 1,
        .persistent = 1,
        .seccomp = 1,
        .landlock = 1,
        .capabilities = 1,
        .outside = 1,
        .number = 12,
        .confirmed = 12,
        .serial = 7,
        .peers = 2,
        .elements = 9,
        .generation = 31,
        .drops = 26040,
        .heard = 1014,
        .forgotten = 3,
        .hash = {0x3f, 0x2a, 0x9c, 0x01, 0xd4, 0xe5, 0x66, 0x77},
        .version = "0.1.0",
        .site = "st-anna",
        .unit = "ct-room-3",
        .who = "alice from 10.20.9.77",
        .collector = "local; udp 10.20.0.7:514 (12 lines lost)",
};

static const struct control_peer peers[] = {
        {.name = "main-pacs",
         .kind = 2,
         .counted = 1,
         .elements = 4,
         .packets = 120345,
         .octets = 987654321098,
         .connections = 1204,
         .last_heard = NOW - 190},
        {.name = "ris", .kind = 2, .counted = 1, .elements = 1},
        {.name = "ntp",
         .kind = 3,
         .counted = 1,
         .elements = 1,
         .packets = 40,
         .octets = 3040,
         .last_heard = NOW - 1},
        {.name = "a-workstation-with-quite-a-long-name-in-radiology-building-7",
         .kind = 2,
         .elements = 5000,
         .connections = 3,
         .last_heard = NOW - 86400 * 2},
        {.name = "workstations", .kind = 2, .elements = 5000},
};

static const struct control_peer manage[] = {
        {.name = "manage", .kind = 4, .counted = 1, .elements = 1},
};

static const struct control_counter counters[] = {
        {.family = "inet", .chain = "input", .rule = "default deny", .packets = 1200, .octets = 72000},
        {.family = "inet", .chain = "input", .rule = "spoofed", .packets = 34, .octets = 2040},
        {.family = "inet", .chain = "forward", .rule = "nothing is routed"},
        {.family = "bridge",
         .chain = "forward",
         .rule = "default deny",
         .packets = 123456789,
         .octets = 9999999999},
};

static const struct control_alarm alarms[] = {
        {.since = NOW - 600,
         .name = "foreign-flowtable",
         .text = "table inet fast has a flowtable: packets of established connections pass it and not this "
                 "wall"},
        {.since = NOW - 60,
         .name = "foreign-drop",
         .note = 1,
         .text = "table inet other has a chain that may drop more than the policy does"},
};

static const struct control_port ports[] = {
        {.name = "bridge", .bridge = 1, .joined = 1},
        {.name = "device", .joined = 1, .carrier = 1},
        {.name = "hospital", .missing = 1, .why = "there is no such interface"},
};

static const struct control_window windows[] = {
        {.from = {.octets = {10, 20, 9, 77}, .length = 32},
         .box = 1,
         .port = 22,
         .seconds = 5400,
         .packets = 17,
         .reason = "replace the tube, ticket 4711",
         .who = "alice"},
        {.from = {.octets = {10, 20, 9, 78}, .length = 32},
         .to = {.octets = {10, 20, 1, 10}, .length = 32},
         .port = 3389,
         .seconds = 59,
         .reason = "",
         .who = "bob from 10.20.9.79"},
};

static const struct control_entry entries[] = {
        {.number = 10,
         .serial = 5,
         .applied_at = NOW - 86400 * 30,
         .decided_at = NOW - 86400 * 30 + 60,
         .peers = 1,
         .hash = {1, 2, 3, 4, 5, 6},
         .outcome = "confirmed",
         .who = "alice from 2001:db8:20:1234:5678:9abc:def0:1234"},
        {.number = 11,
         .decided_at = NOW - 7900,
         .peers = 12000,
         .hash = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa},
         .outcome = "expired",
         .who = "root"},
        {.number = 12,
         .serial = 7,
         .copy_of = 10,
         .applied_at = NOW - 7500,
         .peers = 2,
         .standing = 1,
         .confirmed = 1,
         .hash = {0x3f, 0x2a, 0x9c, 0x01, 0xd4, 0xe5},
         .outcome = "applied",
         .who = "alice from 10.20.9.77"},
};

#define IPV4(a, b, c, d)                                                                                       \
	{                                                                                                      \
		.octets = {a, b, c, d}, .length = 32                                                           \
	}
#define FAR_ADDRESS                                                                                            \
	{                                                                                                      \
		.octets = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78,                                     \
		           0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78},                                    \
		.family = ADDRESS_IPV6, .length = 128                                                          \
	}

static const struct control_drop drops[] = {
        {.source = IPV4(10, 20, 9, 5),
         .destination = IPV4(10, 20, 1, 10),
         .protocol = 6,
         .ether_type = 0x0800,
         .ports = {22, 23, 80, 443},
         .port_count = 1000,
         .count = 1000,
         .first_seen = 400,
         .last_seen = 200,
         .in_interface = "eth0",
         .chain = "input",
         .reason = "10.20.9.5 is not a peer"},
        {.source = FAR_ADDRESS,
         .destination = FAR_ADDRESS,
         .protocol = 17,
         .ether_type = 0x86dd,
         .ports = {161},
         .port_count = 1,
         .count = 3,
         .first_seen = 9000,
         .last_seen = 8000,
         .in_interface = "device",
         .out_interface = "hospital",
         .chain = "forward",
         .reason = "ct-3 may not open udp 161 to anybody; a service of the policy would have to say so, for "
                   "instance "
                   "service snmp { to 2001:db8::1 }"},
        {.source = IPV4(10, 20, 9, 6),
         .destination = IPV4(10, 20, 1, 10),
         .protocol = 1,
         .icmp_type = 8,
         .ether_type = 0x0800,
         .count = 2,
         .first_seen = 190,
         .last_seen = 135,
         .chain = "input spoofed",
         .mac = "00:1b:21:aa:00:03"},
        {.ether_type = 0x88cc,
         .count = 1,
         .first_seen = 86400 * 4 + 60,
         .last_seen = 86400 * 4 + 60,
         .chain = "forward",
         .mac = "00:1b:21:aa:00:03"},
        {.source = IPV4(10, 20, 9, 6),
         .destination = IPV4(10, 20, 1, 10),
         .ether_type = 0x0806,
         .count = 7,
         .first_seen = 90,
         .last_seen = 75,
         .chain = "forward"},
        {.source = IPV4(10, 20, 9, 6),
         .destination = IPV4(10, 20, 1, 10),
         .ether_type = 0x0800,
         .protocol = 132,
         .ports = {2904, 2905},
         .port_count = 2,
         .count = 1,
         .first_seen = 3700,
         .last_seen = 3700,
         .chain = "forward"},
};

// Whose policy it is that stands.
static void set_trust(const char *scene, struct control_status *status)
{
	static const char signer[] = "CN=policy desk, O=St. Anna", anchor[] = "st-anna.site";

	if (strcmp(scene, "signed") == 0 || strcmp(scene, "expired") == 0) {
		status->flowtable = CONTROL_FLOWTABLE_ACTIVE;
		bool expired = scene[0] == 'e';

		status->trust = CONTROL_TRUST_SIGNED;
		status->not_after = NOW + (expired ? -3 * 86400 - 60 : 12 * 86400 + 60);
		status->signer_to = expired ? NOW - 7200 : NOW + 100 * 86400;
		memcpy(status->signer, signer, sizeof(signer));
		memcpy(status->anchor, anchor, sizeof(anchor));
	} else if (strcmp(scene, "untrusted") == 0) {
		status->trust = CONTROL_TRUST_NOT;
	} else if (strcmp(scene, "trust-unknown") == 0) {
		status->trust = CONTROL_TRUST_UNKNOWN;
	} else if (strcmp(scene, "trust-odd") == 0) {
		status->trust = 200;
	}
}

static struct control_status status_of(const char *scene)
{
	struct control_status status = up;

	set_trust(scene, &status);
	if (strcmp(scene, "window") == 0) {
		status.flowtable = CONTROL_FLOWTABLE_LACKING;
		memcpy(status.flowtable_why, "this kernel may lack flow tables (CONFIG_NFT_FLOW_OFFLOAD)", 59);
		status.number = 13;
		status.confirm_seconds = 110;
	} else if (strcmp(scene, "trouble") == 0) {
		status.wall = CONTROL_WALL_UNVERIFIED;
		memcpy(status.reason, "3 differences could not be put right: the kernel refused (EPERM)", 65);
		status.repairs = 1;
		status.repaired_at = NOW - 40;
		memcpy(status.repaired_from, "nft (pid 4711)", 15);
		status.owned = status.persistent = status.seccomp = status.landlock = 0;
		status.capabilities = status.outside = 0;
		status.drops_suppressed = 4000;
		status.flowtable = CONTROL_FLOWTABLE_WAITING;
		memcpy(status.flowtable_why, "the wall is not verified", 25);
		status.collector[0] = '\0';
	} else if (strncmp(scene, "closed", 6) == 0 || strcmp(scene, "none") == 0) {
		status = (struct control_status){
		        .now = NOW,
		        .started_at = NOW - 5,
		        .wall = scene[0] == 'c' ? CONTROL_WALL_CLOSED : CONTROL_WALL_NONE,
		        .role = 1,
		        .verified_at = scene[0] == 'c' ? NOW - 4 : 0,
		        .seccomp = 1,
		        .landlock = 1,
		        .capabilities = 1,
		        .outside = 1,
		        .version = "0.1.0",
		};
		if (scene[0] == 'c')
			memcpy(status.reason, "no policy was ever confirmed; leadglass apply POLICY", 53);
		else
			memcpy(status.reason, "the kernel has no nf_tables", 28);
	}
	return status;
}

static void send_items(int client, struct control_answer *answer, const void *items, size_t size)
{
	if (control_send(client, answer, items, size))
		perror("fake_agent");
}

static void many_peers(int client, struct control_answer *answer)
{
	struct control_peer many[25] = {0};

	for (size_t i = 0; i < LENGTH(many); i++) {
		(void)snprintf(many[i].name, sizeof(many[i].name), "peer-%zu", i + 1);
		many[i].kind = 2;
		many[i].counted = 1;
		many[i].packets = i;
		many[i].last_heard = i % 2 ? NOW - (int64_t)i : 0;
	}
	send_items(client, answer, many, sizeof(many));
}

static void send_drops(int client, struct control_answer *answer, bool follow)
{
	struct control_drop sent[LENGTH(drops)];
	memcpy(sent, drops, sizeof(drops));
	for (size_t i = 0; i < LENGTH(drops); i++) {
		sent[i].first_seen = NOW - drops[i].first_seen;
		sent[i].last_seen = NOW - drops[i].last_seen;
	}
	if (follow)
		sent[1].first_seen = sent[1].last_seen = (int64_t)time(NULL);
	if (!follow) {
		send_items(client, answer, sent, sizeof(sent));
		return;
	}
	send_items(client, answer, NULL, 0);
	for (size_t i = 0; i < 2; i++)
		send_items(client, answer, &sent[i], sizeof(sent[i]));
}

// What a page or a terminal would act upon, in every text that an agent can send.
static void spoil(char *text, size_t size)
{
	static const char hostile[] = "<script>\"'&\x1b[31m\xe2\x80\xae\xff</p>";

	for (size_t i = 0; i < size - 1; i++)
		text[i] = hostile[i % (sizeof(hostile) - 1)];
	text[size - 1] = '\0';
}
#define SPOIL(text) spoil(text, sizeof(text))

static void send_hostile(int client, struct control_answer *answer)
{
	struct control_status status = up;
	struct control_alarm alarm = {.since = NOW};
	struct control_peer peer = {.kind = 2, .counted = 1};
	struct control_counter counter = {.packets = 1};
	struct control_window window = windows[0];
	struct control_port port[2] = {{.name = "bridge", .bridge = 1}};
	struct control_drop drop = {.count = 1, .last_seen = NOW};
	struct control_entry entry = {.number = 1};

	SPOIL(status.version), SPOIL(status.site), SPOIL(status.unit), SPOIL(status.signer),
	        SPOIL(status.anchor);
	SPOIL(status.who), SPOIL(status.reason), SPOIL(status.repaired_from), SPOIL(status.collector);
	status.trust = CONTROL_TRUST_SIGNED;
	status.repairs = 1;
	SPOIL(alarm.name), SPOIL(alarm.text), SPOIL(peer.name), SPOIL(window.reason), SPOIL(window.who);
	SPOIL(counter.family), SPOIL(counter.chain), SPOIL(counter.rule), SPOIL(port[1].name),
	        SPOIL(port[1].why);
	SPOIL(drop.in_interface), SPOIL(drop.out_interface), SPOIL(drop.chain), SPOIL(drop.mac),
	        SPOIL(drop.reason);
	SPOIL(entry.outcome), SPOIL(entry.who);
	switch ((int)answer->kind) {
	case CONTROL_STATUS:
		send_items(client, answer, &status, sizeof(status));
		break;
	case CONTROL_ALARMS:
		send_items(client, answer, &alarm, sizeof(alarm));
		break;
	case CONTROL_PEERS:
		send_items(client, answer, &peer, sizeof(peer));
		break;
	case CONTROL_COUNTERS:
		send_items(client, answer, &counter, sizeof(counter));
		break;
	case CONTROL_WINDOWS:
		send_items(client, answer, &window, sizeof(window));
		break;
	case CONTROL_PORTS:
		send_items(client, answer, port, sizeof(port));
		break;
	case CONTROL_DROPS:
		send_items(client, answer, &drop, sizeof(drop));
		break;
	case CONTROL_HISTORY:
		send_items(client, answer, &entry, sizeof(entry));
		break;
	default:
		answer->number = 1;
		send_items(client, answer, status.signer, strlen(status.signer)); // a difference
	}
}

static void send_policy(int client, struct control_answer *answer, const struct control_request *request,
                        const char *scene)
{
	static const char first[] =
	        "role host\ndevice d { ae-title D; port 104 }\nmanage { from 10.0.0.0/24 }\n";
	static const char more[] = "include peers.conf\n";
	static const char included[] = "peer p { address 10.0.0.1; ae-title P; port 104; initiates echo }\n";
	char bundle[1024];
	bool several = strcmp(scene, "files") == 0;
	int size;

	if (request->number && request->number != 12) {
		answer->error = -ENOENT;
		(void)snprintf(answer->text, sizeof(answer->text),
		               "policy %llu cannot be shown: it is not kept",
		               (unsigned long long)request->number);
		send_items(client, answer, NULL, 0);
		return;
	}
	size = snprintf(bundle, sizeof(bundle), "leadglass-bundle 1\nfile %zu policy.conf\n%s%s\n",
	                sizeof(first) - 1 + (several ? sizeof(more) - 1 : 0), first, several ? more : "");
	if (several)
		size += snprintf(bundle + size, sizeof(bundle) - (size_t)size, "file %zu peers.conf\n%s\n",
		                 sizeof(included) - 1, included);
	size += snprintf(bundle + size, sizeof(bundle) - (size_t)size, "end\n");
	send_items(client, answer, bundle, (size_t)size);
}

// The policy that the test has put into FOLDER/kept.
static void send_kept(int client, struct control_answer *answer, const char *folder)
{
	char path[256], text[16384], bundle[17000];
	FILE *file;
	size_t size = 0;
	int start, end;

	(void)snprintf(path, sizeof(path), "%s/kept", folder);
	file = fopen(path, "rb");
	if (file) {
		size = fread(text, 1, sizeof(text), file);
		(void)fclose(file);
	}
	start = snprintf(bundle, sizeof(bundle), "leadglass-bundle 1\nfile %zu kept.conf\n", size);
	memcpy(bundle + start, text, size);
	end = snprintf(bundle + start + size, sizeof(bundle) - (size_t)start - size, "\nend\n");
	answer->number = 12;
	send_items(client, answer, bundle, (size_t)start + size + (size_t)end);
}

static void respond(int client, const struct control_request *request, const char *folder, const char *scene)
{
	static const char metrics[] = "# TYPE leadglass_wall_up gauge\nleadglass_wall_up 1\n# EOF\n";
	static const char lines[] =
	        "chain input: rule 3 is missing\nset accepts4: 10.9.9.9 . 104 is not ours\n";
	struct control_answer answer = {.kind = request->kind, .last = 1};
	struct control_status status = status_of(scene);
	bool empty = strncmp(scene, "closed", 6) == 0 || strcmp(scene, "none") == 0,
	     trouble = strcmp(scene, "trouble") == 0;

	if (strcmp(scene, "hostile") == 0 && request->kind != CONTROL_SHOW) {
		send_hostile(client, &answer);
		return;
	}
	switch ((enum control_kind)request->kind) {
	case CONTROL_STATUS:
		send_items(client, &answer, &status, sizeof(status));
		break;
	case CONTROL_ALARMS:
		send_items(client, &answer, alarms, trouble ? sizeof(alarms) : 0);
		break;
	case CONTROL_PEERS:
		if (strcmp(scene, "many") == 0)
			many_peers(client, &answer);
		else if (strcmp(scene, "closed-manage") == 0)
			send_items(client, &answer, manage, sizeof(manage));
		else
			send_items(client, &answer, peers, empty ? 0 : sizeof(peers));
		break;
	case CONTROL_COUNTERS:
		send_items(client, &answer, counters, empty ? 0 : sizeof(counters));
		break;
	case CONTROL_PORTS:
		send_items(client, &answer, ports, trouble ? sizeof(ports) : 0);
		break;
	case CONTROL_WINDOWS:
		send_items(client, &answer, windows, trouble ? sizeof(windows) : 0);
		break;
	case CONTROL_DROPS:
		if (empty)
			send_items(client, &answer, NULL, 0);
		else
			send_drops(client, &answer, false);
		break;
	case CONTROL_FOLLOW:
		send_drops(client, &answer, true);
		break;
	case CONTROL_HISTORY:
		send_items(client, &answer, entries, empty ? 0 : sizeof(entries));
		break;
	case CONTROL_METRICS:
		send_items(client, &answer, metrics, sizeof(metrics) - 1);
		break;
	case CONTROL_VERIFY:
		answer.number = trouble ? 2 : 0;
		send_items(client, &answer, lines, trouble ? sizeof(lines) - 1 : 0);
		break;
	case CONTROL_SHOW:
		if (strcmp(scene, "kept") == 0 || strcmp(scene, "hostile") == 0)
			send_kept(client, &answer, folder);
		else
			send_policy(client, &answer, request, scene);
		break;
	case CONTROL_JUDGE:
		send_items(client, &answer, NULL, 0);
		break;
	case CONTROL_APPLY:
	case CONTROL_CONFIRM:
	case CONTROL_ROLLBACK:
	case CONTROL_ALLOW:
	case CONTROL_CLOSE:
		answer.error = strcmp(scene, "kept") == 0 ? -EKEYREJECTED : -EBUSY;
		(void)snprintf(answer.text, sizeof(answer.text), "not here, %.60s", request->who);
		send_items(client, &answer, NULL, 0);
		break;
	}
}

// Until the client leaves, or was told everything there is to follow.
static void serve(int client, const char *folder, const char *scene)
{
	for (;;) {
		struct pollfd wanted = {.fd = client, .events = POLLIN};
		struct control_request request;
		const char *why;
		char *payload;
		size_t size;

		if (poll(&wanted, 1, -1) < 0 || control_receive(client, &request, &payload, &size, &why))
			return;
		free(payload);
		if (strcmp(scene, "mute") == 0)
			return;
		if (strcmp(scene, "odd") == 0) {
			struct control_answer answer = {.kind = request.kind, .last = 1};

			send_items(client, &answer, "odd", 3);
			continue;
		}
		// Thinks until it is told to answer.
		if (strcmp(scene, "slow") == 0 && getchar() == EOF)
			return;
		respond(client, &request, folder, scene);
		if (request.kind == CONTROL_FOLLOW)
			return;
	}
}

int main(int argc, char **argv)
{
	int listener;

	if (argc != 3) {
		fprintf(stderr, "usage: fake_agent FOLDER SCENE\n");
		return 2;
	}
	listener = control_listen(argv[1], (gid_t)-1);
	if (listener < 0) {
		fprintf(stderr, "fake_agent: %s\n", strerror(-listener));
		return 1;
	}
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		struct pollfd wanted[2] = {{.fd = listener, .events = POLLIN},
		                           {.fd = STDIN_FILENO, .events = POLLIN}};
		struct control_peer_id id;
		int client;

		if (poll(wanted, 2, -1) < 0 || wanted[1].revents)
			return 0;
		client = control_accept(listener, &id);
		if (client >= 0) {
			serve(client, argv[1], argv[2]);
			close(client);
		}
	}
}
