// SPDX-License-Identifier: GPL-2.0-or-later
//
// Status and metrics of an agent filled by hand, and the file for a collector.
#include "parts.h"

#include <sys/stat.h>
#include <unistd.h>

#define POLICY                                                                                                 \
	"policy { site \"st \\\\ \\\"anna\\\"\"; unit ct-3; serial 7 }\nrole host\n"                           \
	"device ct { ae-title CT; port 11112 }\n"                                                              \
	"peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage; accepts echo }\n"

static int begin(void **state)
{
	struct parts *made = malloc(sizeof *made);
	assert_non_null(made);
	parts_begin(made);
	assert_int_equal(agent_peers_open(&made->agent), 0);
	*state = made;
	return 0;
}

static int end(void **state)
{
	parts_end();
	free(*state);
	return 0;
}

static bool has(const struct buffer *text, const char *words)
{
	return text->data && strstr(text->data, words);
}

static void status(void **state)
{
	struct control_status status;
	struct agent *agent = &parts->agent;
	(void)state;
	agent_status_fill(agent, &status);
	assert_int_equal(status.wall, CONTROL_WALL_NONE);
	parts_stand(9, POLICY);
	parts->state.inet =
	        (struct nft_table_state){.present = true, .owned = true, .mine = true, .persistent = true};
	parts->now += 5000;
	agent->repairs = 3;
	agent->commit.record.pending = 9;
	agent->commit.record.confirmed = 8;
	agent->commit.deadline = parts->now + 90500;
	snprintf(agent->reason, sizeof agent->reason, "because");
	agent_status_fill(agent, &status);
	assert_int_equal(status.wall, CONTROL_WALL_UP);
	assert_int_equal(status.role, POLICY_ROLE_HOST);
	assert_int_equal(status.number, 9);
	assert_int_equal(status.confirmed, 8);
	assert_int_equal(status.serial, 7);
	assert_int_equal(status.confirm_seconds, 91);
	assert_int_equal(status.peers, 1);
	assert_int_equal(status.elements, 2);
	assert_int_equal(status.repairs, 3);
	assert_int_equal(status.owned, 1);
	assert_int_equal(status.persistent, 1);
	assert_int_equal(status.now, PARTS_UNIX + 5);
	assert_string_equal(status.site, "st \\ \"anna\"");
	assert_string_equal(status.unit, "ct-3");
	assert_string_equal(status.reason, "because");
	assert_string_equal(status.collector, "local");
	assert_string_equal(status.version, LEADGLASS_VERSION);
	assert_int_equal(parts->trust_looks, 2); // it says what holds now, not a minute ago
	agent->verified = false;
	agent_status_fill(agent, &status);
	assert_int_equal(status.wall, CONTROL_WALL_UNVERIFIED);
	parts_stand(0, "role host\n"
	               "device closed { ae-title CLOSED; port 104 }\n");
	agent_status_fill(agent, &status);
	assert_int_equal(status.wall, CONTROL_WALL_CLOSED);
}

// Each line is a comment or "name{labels} number"; samples of a family stand together, after its TYPE, and no
// line is there twice. (The whole grammar is checked by tests/net/openmetrics.py.)
static void check_shape(const struct buffer *text)
{
	char family[128] = "", *copy = strdup(text->data);
	assert_non_null(copy);
	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
		char name[128];
		if (sscanf(line, "# TYPE %127s", name) == 1) {
			char again[160];
			snprintf(again, sizeof again, "# TYPE %s ", name);
			const char *first = strstr(text->data, again);
			assert_null(strstr(first + 1, again));
			snprintf(family, sizeof family, "%s", name);
		} else if (line[0] != '#') {
			assert_memory_equal(line, family, strlen(family));
			const char *value = strrchr(line, ' ');
			assert_non_null(value);
			assert_int_equal(strspn(value + 1, "0123456789"), strlen(value + 1));
			char whole[512];
			snprintf(whole, sizeof whole, "\n%s\n", line);
			const char *first = strstr(text->data, whole);
			assert_non_null(first);
			assert_null(strstr(first + 1, whole));
		}
	}
	free(copy);
	assert_true(text->size > 6);
	assert_string_equal(text->data + text->size - 6, "# EOF\n");
}

static void metrics(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	struct prefix from = parts_address("10.20.0.5"), to = parts_address("10.20.1.10");
	(void)state;
	parts_stand(9, POLICY);
	parts->agent.verified_at = PARTS_UNIX;
	parts->now += 17000;
	agent_alarm(&parts->agent, "metrics-file", "x");
	agent_note(&parts->agent, "foreign-accept ip docker", "x");
	agent_peers_connection(&parts->agent, &from, &to, 6, 11112, 4);
	agent_metrics(&parts->agent, &text);
	assert_false(buffer_failed(&text));
	check_shape(&text);
	assert_true(has(&text, "\nleadglass_wall_up 1\n"));
	assert_true(has(&text, "leadglass_policy_info{number=\"9\",serial=\"7\",hash=\"0909"));
	assert_true(has(&text, "site=\"st \\\\ \\\"anna\\\"\",unit=\"ct-3\"} 1\n"));
	assert_true(has(&text, "\nleadglass_verified_age_seconds 17\n"));
	assert_true(has(&text, "\nleadglass_repairs_total 0\n"));
	assert_true(has(&text, "\nleadglass_alarm_time_seconds{name=\"metrics-file\"} "));
	assert_true(has(&text, "\nleadglass_alarms 1\n"));
	assert_true(has(&text, "\nleadglass_notes 1\n"));
	assert_false(has(&text, "name=\"foreign-accept"));
	assert_true(has(&text, "\nleadglass_drops_heard_total 7\n"));
	assert_true(has(&text, "\nleadglass_drops_forgotten_rows_total 3\n"));
	assert_true(has(&text, "\nleadglass_peer_packets_total{kind=\"peer\",name=\"pacs\"} 0\n"));
	assert_true(has(&text, "\nleadglass_peer_connections_total{kind=\"peer\",name=\"pacs\"} 4\n"));
	assert_true(has(&text, "\nleadglass_dropped_packets_total{family=\"inet\",chain=\"input\",rule="
	                       "\"default deny\"} 0\n"));
	assert_false(has(&text, "leadglass_peer_last_heard_seconds{")); // nobody yet
	assert_true(has(&text, "\nleadglass_peers_left_out 0\n"));
	buffer_fini(&text);
}

static void trust(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	(void)state;
	parts_stand(9, POLICY);
	parts->agent.trust.unreadable = true;
	agent_metrics(&parts->agent, &text);
	check_shape(&text);
	assert_true(has(&text, "\nleadglass_trust_anchors 0\n"));
	assert_true(has(&text, "\nleadglass_trust_readable 0\n"));
	assert_true(has(&text, "\nleadglass_policy_signed 0\n"));
	assert_true(has(&text, "\nleadglass_clock_believed 0\n"));
	assert_true(has(&text, "\nleadglass_policies_refused_total 0\n"));
	assert_false(has(&text, "not_after"));
	buffer_clear(&text);
	parts->agent.trust = (struct agent_trust){.folder = -1, .anchors = 2, .refusals = 3, .believed = true};
	parts->trusted = (struct control_status){
	        .trust = CONTROL_TRUST_SIGNED, .not_after = PARTS_UNIX + 1, .signer_to = PARTS_UNIX + 2};
	agent_metrics(&parts->agent, &text);
	check_shape(&text);
	assert_true(has(&text, "\nleadglass_trust_anchors 2\n"));
	assert_true(has(&text, "\nleadglass_trust_readable 1\n"));
	assert_true(has(&text, "\nleadglass_policy_signed 1\n"));
	assert_true(has(&text, "\nleadglass_clock_believed 1\n"));
	assert_true(has(&text, "\nleadglass_policies_refused_total 3\n"));
	assert_true(has(&text, "\nleadglass_policy_not_after_seconds 1770000001\n"));
	assert_true(has(&text, "\nleadglass_signer_not_after_seconds 1770000002\n"));
	buffer_fini(&text);
}

static void no_wall(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	(void)state;
	agent_metrics(&parts->agent, &text);
	check_shape(&text);
	assert_true(has(&text, "\nleadglass_wall_up 0\n"));
	buffer_fini(&text);
}

static void many_peers(void **state)
{
	struct buffer policy = BUFFER_EMPTY, text = BUFFER_EMPTY;
	(void)state;
	buffer_text(&policy, "role host\ndevice ct { ae-title CT; port 11112 }\n");
	for (unsigned i = 0; i < 1500; i++)
		buffer_printf(&policy,
		              "peer p%u { address 10.40.%u.%u; ae-title P; port 104; initiates echo }\n", i,
		              i >> 8, i & 255);
	parts_stand(1, policy.data);
	agent_metrics(&parts->agent, &text);
	assert_true(has(&text, "name=\"p999\""));
	assert_false(has(&text, "name=\"p1000\""));
	assert_true(has(&text, "\nleadglass_peers_left_out 500\n"));
	buffer_fini(&policy);
	buffer_fini(&text);
}

static void file(void **state)
{
	char folder[] = "/tmp/leadglass-metrics-XXXXXX", path[64], temporary[80], text[32768] = "";
	struct stat about;
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/leadglass.prom", folder);
	snprintf(temporary, sizeof temporary, "%s.new", path);
	parts_stand(1, POLICY);
	agent_metrics_write(&parts->agent); // not wanted: nothing is written
	parts->agent.options.metrics_file = path;
	assert_int_not_equal(stat(path, &about), 0);
	agent_metrics_write(&parts->agent);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0644);
	assert_int_not_equal(stat(temporary, &about), 0);
	FILE *written = fopen(path, "r");
	assert_non_null(written);
	text[fread(text, 1, sizeof text - 1, written)] = '\0';
	fclose(written);
	assert_non_null(strstr(text, "# TYPE leadglass_build_info gauge\n"));
	// Prometheus' own format, not OpenMetrics
	assert_non_null(
	        strstr(text, "# TYPE leadglass_repairs_total counter\n# HELP leadglass_repairs_total "));
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	assert_int_equal(parts->agent.alarm_count, 0);
	// What others have laid into the way, a pipe that nobody reads or a link, is not written to.
	assert_int_equal(mkfifo(temporary, 0600), 0);
	agent_metrics_write(&parts->agent);
	assert_int_not_equal(lstat(temporary, &about), 0);
	assert_int_equal(symlink("/dev/full", temporary), 0);
	agent_metrics_write(&parts->agent);
	assert_int_equal(lstat(path, &about), 0);
	assert_true(S_ISREG(about.st_mode) && about.st_size > 100);
	assert_int_equal(parts->agent.alarm_count, 0);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	agent_metrics_write(&parts->agent);
	assert_true(parts_has_alarm("metrics-file"));
	assert_int_equal(mkdir(folder, 0700), 0);
	agent_metrics_write(&parts->agent);
	assert_false(parts_has_alarm("metrics-file"));
	unlink(path);
	rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(status), TEST(metrics), TEST(trust), TEST(no_wall), TEST(many_peers), TEST(file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
