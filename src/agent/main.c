// SPDX-License-Identifier: GPL-2.0-or-later
//
// leadglassd: keeps the wall standing. What it does from start to end is `run`, below.
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent_flowtable.h"
#include "agent/agent_notify.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"
#include "agent/agent_text.h"
#include "nft/nft_owner.h"

#define STATE_FOLDER "/var/lib/leadglass"

enum {
	EXIT_LEFT = 0,     // asked to
	EXIT_ANOTHER = 1,  // an agent runs already
	EXIT_USAGE = 2,    // the command line makes no sense
	EXIT_AGAIN = 3,    // to be started again: the state folder is there now
	EXIT_KERNEL = 4,   // no permission, or no nf_tables
	EXIT_INTERNAL = 5, // out of memory
	EXIT_NOT_YET = -1,
};

static const char usage[] =
        "leadglassd: keeps the wall of leadglass standing\n"
        "\n"
        "Usage: leadglassd [OPTION...]\n"
        "\n"
        "It stays in the foreground; a service manager starts it. `leadglass` talks to it.\n"
        "\n"
        "  --state DIR          policies and what became of them; " STATE_FOLDER "\n"
        "  --run DIR            control socket; " CONTROL_FOLDER "\n"
        "  --trust DIR          whose signed policies are taken; " TRUST_FOLDER "\n"
        "  --user NAME          becomes this user, with CAP_NET_ADMIN alone; the folders\n"
        "                       are given to it\n"
        "  --group NAME         may ask (status, drops, history ...); else only root\n"
        "  --syslog TARGET      also logs to `local`, udp:ADDRESS[:PORT] or\n"
        "                       tcp:ADDRESS[:PORT] (RFC 5424); at most twice\n"
        "  --metrics-file PATH  OpenMetrics text once a minute, for a node exporter\n"
        "  --ports NAME,NAME    in role bridge: makes the bridge, which these interfaces join\n"
        "                       once the wall was read back, and leave when it is not good\n"
        "  --unowned            does not take ownership of the table: others may then\n"
        "                       change it, and the agent repairs it\n"
        "  --help, --version\n"
        "\n"
        "Exit status: 0 asked to leave (the wall stays), 1 another leadglassd runs,\n"
        "2 usage, 3 the state folder is another one now: start it again,\n"
        "4 a permission or the kernel's support is missing, 5 internal.\n"
        "Manual: leadglassd(8).\n";

static void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void message(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("leadglassd: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

// ---- options ----

enum option_key {
	OPTION_STATE = 256,
	OPTION_RUN,
	OPTION_TRUST,
	OPTION_USER,
	OPTION_GROUP,
	OPTION_SYSLOG,
	OPTION_METRICS,
	OPTION_PORTS,
	OPTION_UNOWNED
};

static const struct option known[] = {
        {"state", required_argument, NULL, OPTION_STATE},
        {"run", required_argument, NULL, OPTION_RUN},
        {"trust", required_argument, NULL, OPTION_TRUST},
        {"user", required_argument, NULL, OPTION_USER},
        {"group", required_argument, NULL, OPTION_GROUP},
        {"syslog", required_argument, NULL, OPTION_SYSLOG},
        {"metrics-file", required_argument, NULL, OPTION_METRICS},
        {"ports", required_argument, NULL, OPTION_PORTS},
        {"unowned", no_argument, NULL, OPTION_UNOWNED},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static int add_syslog(struct agent_options *options, const char *target)
{
	const char *wrong = agent_outside_check_target(target);
	const size_t place = options->syslog[0] ? 1 : 0;

	if (wrong) {
		message("--syslog %s: %s", target, wrong);
		return EXIT_USAGE;
	}
	if (options->syslog[place]) {
		message("--syslog may be given twice at most");
		return EXIT_USAGE;
	}
	options->syslog[place] = target;
	return EXIT_NOT_YET;
}

static int set_ports(struct agent_options *options, const char *names)
{
	struct agent_port ports[AGENT_PORTS_MAX];
	size_t count;
	const char *wrong = agent_ports_parse(names, ports, &count);

	if (wrong) {
		message("--ports %s: %s", names, wrong);
		return EXIT_USAGE;
	}
	options->ports = names;
	return EXIT_NOT_YET;
}

static int answer(const char *text)
{
	if (fputs(text, stdout) < 0 || fclose(stdout) != 0) {
		message("cannot write the answer: %s", strerror(errno));
		return EXIT_INTERNAL;
	}
	return EXIT_LEFT;
}

static int take_option(struct agent_options *options, int key)
{
	switch (key) {
	case OPTION_STATE:
		options->state = optarg;
		break;
	case OPTION_RUN:
		options->run = optarg;
		break;
	case OPTION_TRUST:
		options->trust = optarg;
		break;
	case OPTION_USER:
		options->user = optarg;
		break;
	case OPTION_GROUP:
		options->group = optarg;
		break;
	case OPTION_SYSLOG:
		return add_syslog(options, optarg);
	case OPTION_METRICS:
		options->metrics_file = optarg;
		break;
	case OPTION_PORTS:
		return set_ports(options, optarg);
	case OPTION_UNOWNED:
		options->unowned = true;
		break;
	case 'h':
		return answer(usage);
	case 'V':
		return answer("leadglassd " LEADGLASS_VERSION "\n");
	default: // getopt has said what is wrong
		fputs("leadglassd --help says what there is\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_NOT_YET;
}

static int read_options(int argc, char **argv, struct agent_options *ret)
{
	static char name[] = "leadglassd"; // argv keeps it
	int status = EXIT_NOT_YET;

	*ret = (struct agent_options){.state = STATE_FOLDER, .run = CONTROL_FOLDER, .trust = TRUST_FOLDER};
	if (argc > 0)
		argv[0] = name; // what getopt begins its messages with
	while (status == EXIT_NOT_YET) {
		int key = getopt_long(argc, argv, "hV", known, NULL);

		if (key == -1)
			break;
		status = take_option(ret, key);
	}
	if (status == EXIT_NOT_YET && optind < argc) {
		message("takes no arguments: %s", argv[optind]);
		status = EXIT_USAGE;
	}
	if (status == EXIT_NOT_YET && (!ret->state[0] || !ret->run[0] || !ret->trust[0])) {
		message("a folder without a name");
		status = EXIT_USAGE;
	}
	return status;
}

// ---- from start to end ----

// A caller that closed one of the three is not to have a netlink socket in its place.
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) {
			message("cannot open /dev/null: %s", strerror(errno));
			_exit(EXIT_INTERNAL);
		}
	}
}

static void take_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL); // read in the loop: not before the wall stands
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); // ignored, it would take from us what became of our children
}

static bool may_rule_network(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return true; // the kernel will say
	return data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

static int open_kernel(struct agent *agent)
{
	struct problems problems;
	struct buffer text = BUFFER_EMPTY;
	char line[256];
	int error;

	if (!may_rule_network()) {
		message("this needs CAP_NET_ADMIN (root)");
		return EXIT_KERNEL;
	}
	problem_init(&problems);
	error = nft_open(&agent->nft, &problems);
	if (error) {
		agent_text_problems(&problems, NULL, error, &text);
		agent_text_line(&text, line, sizeof line);
		message("%s", line);
		buffer_fini(&text);
	} else if (agent->options.unowned) {
		nft_do_not_own(agent->nft);
	}
	problem_fini(&problems);
	return !error ? EXIT_NOT_YET : error == -ENOMEM ? EXIT_INTERNAL : EXIT_KERNEL;
}

static int take_state(struct agent *agent)
{
	pid_t other = 0;

	if (agent_start_state(agent, &other) == 0)
		return EXIT_NOT_YET;
	if (other)
		message("another leadglassd runs (pid %d)", (int)other);
	else
		message("another leadglassd, or `leadglass apply --offline`, keeps %s", agent->options.state);
	return EXIT_ANOTHER;
}

// No wall could be put up because the table is another leadglassd's, with folders of its own: that one keeps
// the wall, and this one would run without.
static int yield_to_another(struct agent *agent)
{
	struct nft_state state = {0};
	struct nft_owner owner;
	struct problems problems;
	struct ruleset found;
	uint32_t port = 0;

	if (agent->commit.wall)
		return EXIT_NOT_YET;
	problem_init(&problems);
	if (nft_read(agent->nft, &found, &state, &problems) == 0)
		ruleset_fini(&found);
	problem_fini(&problems);
	if (state.inet.owned && !state.inet.mine)
		port = state.inet.owner;
	else if (state.bridge.owned && !state.bridge.mine)
		port = state.bridge.owner;
	if (!port || !nft_owner_find(port, &owner) || strcmp(owner.name, "leadglassd") != 0)
		return EXIT_NOT_YET;
	message("another leadglassd (pid %d) keeps the wall", owner.pid);
	return EXIT_ANOTHER;
}

// What is known besides the wall. The agent does without each of them.
static void open_parts(struct agent *agent)
{
	const struct {
		const char *name;
		int error;
	} parts[] = {
	        {"guard", agent_guard_open(agent)},
	        {"peers", agent_peers_open(agent)},
	        {"drops", agent_drops_open(agent)},
	        {"access", agent_access_open(agent)},
	};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (parts[i].error)
			agent_alarm(agent, parts[i].name, "%s: %s", parts[i].name,
			            agent_text_error(parts[i].error));
	}
	agent_flowtable_open(agent);
	if (agent->standing && agent->peers)
		agent_peers_wall_changed(agent);
}

static void open_outside(struct agent *agent)
{
	const uint16_t group = agent->standing ? agent->standing->policy.log.group : POLICY_LOG_GROUP_DEFAULT;
	int error = agent_server_open(agent);

	if (error)
		agent_alarm(agent, "control", "nobody can talk to the agent: control socket in %s: %s",
		            agent->options.run, agent_text_error(error));
	(void)agent_outside_start(agent, group); // an alarm says what does not work
	agent_log_catch_up(agent);
}

// The wall stays as it is, but for a policy that nobody has confirmed: when we are gone, nobody takes it back.
static void leave(struct agent *agent, int error)
{
	agent_notify(agent->notify, "STOPPING=1");
	if (commit_rollback(&agent->commit, agent_now(), agent_unix()) == 0)
		agent_run_commit(agent);
	agent_ports_tick(agent, agent_now(), false);
	if (error)
		agent_log(agent, LOG_ERR, "LEAVING", NULL, 0, "leadglassd cannot go on: %s; the wall stays",
		          agent_text_error(error));
	else
		agent_log(agent, LOG_NOTICE, "LEAVING", NULL, 0, "leadglassd leaves; the wall stays");
}

static void close_all(struct agent *agent)
{
	agent_outside_stop(agent);
	agent_log_catch_up(agent); // to nobody: what still waits is freed
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		agent_drop_client(agent, i);
	// The listener is closed by the end of the process, which does not wait for what a client may have sent
	// before it was accepted (agent_discard.c).
	agent_flowtable_close(agent);
	agent_ports_close(agent);
	agent_access_close(agent);
	agent_drops_close(agent);
	agent_peers_close(agent);
	agent_guard_close(agent);
	agent_wall_free(agent->coming);
	agent_wall_free(agent->old);
	agent_wall_free(agent->standing);
	buffer_fini(&agent->said);
	agent_trust_close(agent);
	state_close(agent->store);
	nft_close(agent->nft);
	if (agent->run >= 0)
		close(agent->run);
	if (agent->notify >= 0)
		close(agent->notify);
}

// Before the wall comes only what cannot fail badly, wait or end the process: it is the wall that everybody
// behind it waits for. The user changes before it, because the state is that user's, and because what reads
// policies then has CAP_NET_ADMIN and no more. Landlock and seccomp come after it: should this kernel or C
// library make a call that nobody thought of, the process ends and the wall stands.
static int run(struct agent *agent)
{
	int status = open_kernel(agent), error;

	if (status != EXIT_NOT_YET)
		return status;
	agent_start_folders(agent);
	agent_start_user(agent);
	status = take_state(agent);
	if (status != EXIT_NOT_YET)
		return status;
	agent_ports_open(agent); // whatever is in a bridge without a wall is taken out
	agent_trust_open(agent);
	agent_boot(agent); // the wall, or closed, or an alarm and another attempt soon
	status = yield_to_another(agent);
	if (status != EXIT_NOT_YET)
		return status;
	open_parts(agent);
	agent_ports_tick(agent, agent_now(), true); // behind the wall, not before it
	open_outside(agent);
	agent_start_sandbox(agent);
	error = agent_loop(agent); // says READY=1 when there is a wall
	leave(agent, error);
	if (error)
		return EXIT_INTERNAL;
	return agent->again ? EXIT_AGAIN : EXIT_LEFT;
}

int main(int argc, char **argv)
{
	struct agent *agent;
	struct agent_options options;
	int status;

	fill_standard_descriptors();
	status = read_options(argc, argv, &options);
	if (status != EXIT_NOT_YET)
		return status;
	agent = calloc(1, sizeof *agent);
	if (!agent) {
		message("out of memory");
		return EXIT_INTERNAL;
	}
	*agent = (struct agent){
	        .options = options,
	        .started_at = agent_unix(),
	        .run = -1,
	        .trust = {.folder = -1},
	        .listener = -1,
	        .applicant = -1,
	        .group = (gid_t)-1,
	        .nonsense = {.every = AGENT_MINUTE, .burst = 5},
	        .verifications = {.every = 2000, .burst = 1},
	};
	for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
		agent->clients[i].fd = -1;
	gethostname(agent->host, sizeof agent->host - 1);
	umask(022); // an init script's may be anything, and others read the metrics
	agent->notify = agent_notify_open();
	take_signals();
	status = run(agent);
	close_all(agent);
	free(agent);
	return status;
}
