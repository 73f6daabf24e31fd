// SPDX-License-Identifier: GPL-2.0-or-later
//
// leadglassd: what its parts share. One process keeps the wall (CAP_NET_ADMIN, no network traffic ever read),
// one without any privilege reads what was dropped and writes the log (agent_outside.h). This one is a single
// loop: each part says which descriptor it waits for and when it next wants to be called; nothing blocks but
// the kernel's answer to a transaction.
#ifndef LEADGLASS_AGENT_AGENT_H
#define LEADGLASS_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/agent_pace.h"
#include "agent/agent_trust.h"
#include "base/buffer.h"
#include "control/control.h"
#include "drops/drops.h"
#include "nft/nft.h"
#include "nft/nft_access.h"
#include "nft/nft_watch.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"
#include "state/state.h"
#include "state/state_commit.h"

struct agent_outside; // agent_outside.h
struct agent_ports;   // agent_ports.h
struct agent_flowtable;

#define AGENT_MINUTE 60000      // ms: the one regular wake-up
#define AGENT_VERIFY_MINUTES 10 // between full comparisons nobody asked for
#define AGENT_CLIENTS_MAX 16
#define AGENT_ACCEPT_MAX 64 // connections in a pass of the loop
#define AGENT_DOOMED_MAX 256
#define AGENT_DOOMED_CHILDREN_MAX 4
#define AGENT_DOOMED_EVERY 100 // ms
#define AGENT_ALARMS_MAX 24
#define AGENT_EARLY_MAX 32 // lines for the collectors from before there is anybody to send them
#define AGENT_NEVER INT64_MAX
static inline int64_t agent_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct agent_options {
	const char *state;        // --state DIR
	const char *run;          // --run DIR
	const char *trust;        // --trust DIR
	const char *user;         // --user NAME; NULL: stay who we are, without the capabilities
	const char *group;        // --group NAME: may read; NULL: the process's own
	const char *metrics_file; // --metrics-file PATH; NULL: none
	const char *syslog[2];    // --syslog TARGET, at most two; NULL: none
	const char *ports;        // --ports NAME,NAME; NULL: the bridge is somebody else's business
	bool unowned;             // --unowned: do not take ownership of the table
};

// A policy with all that was made of it.
struct agent_wall {
	uint64_t number; // 0: the closed wall
	char *bundle;
	size_t bundle_size;
	int shown; // the bundle as a sealed memfd, for all who ask; -1: nobody has
	uint8_t hash[TRUST_HASH_SIZE];
	struct policy policy;
	struct ruleset ruleset;
	struct agent_signature signature;
};

struct agent_client {
	int fd; // -1: free
	struct control_peer_id id;
	bool follows;         // CONTROL_FOLLOW
	int64_t silent_since; // ms: closed when it keeps a place and says nothing
};

// Connections that others have to close: agent_discard.c.
struct agent_doomed {
	int fds[AGENT_DOOMED_MAX];
	size_t count;
	pid_t children[AGENT_DOOMED_CHILDREN_MAX];
	size_t child_count;
	int64_t fork_at;             // not before, ms
	int64_t look_at, look_after; // for children that have ended
};

struct agent {
	struct agent_options options;
	int64_t started_at; // seconds since 1970
	bool stop;          // SIGTERM, SIGINT: leave; the wall stays
	bool again;         // leave to be started again

	struct nft *nft; // open for as long as the process lives
	struct nft_watch *watch;
	struct state_store *store; // NULL: the state folder cannot be used, see `store_problem`
	char store_problem[256];
	dev_t state_device; // the folder that was found at the start, usable or not; 0: none
	ino_t state_inode;
	int run; // the run folder; -1: it cannot be used
	struct commit commit;
	struct agent_wall *standing; // what the kernel should hold; NULL: nothing yet
	struct agent_wall *old;      // the confirmed one during a window, so that no disk is needed to go back
	struct agent_wall *coming;   // being applied
	struct nft_load_result loaded; // what the last load of a wall did
	struct buffer said;            // what failed in the change under way, as the user is to read it
	uint64_t kept;    // number of the policy whose closed wall and run-folder copy are written; 0: none
	bool ready;       // READY=1 was said
	char reason[256]; // why the wall is closed or unverified
	bool verified;
	int64_t verified_at, repaired_at, applied_at; // seconds since 1970
	uint32_t repairs;
	char repaired_from[64];
	char applied_by[STATE_WHO_MAX];
	struct nft_state kernel; // as last read
	uint32_t generation;     // of the rules when they were last known to be right

	struct agent_outside *outside;
	struct agent_drops *drops;         // agent_drops.c: mirror of the table of drops
	struct agent_peers *peers;         // agent_peers.c: counters by owner, last heard
	struct agent_guard *guard;         // agent_guard.c
	struct agent_access *access;       // agent_access.c: who opened which window
	struct agent_ports *ports;         // agent_ports.c; NULL: without --ports
	struct agent_flowtable *flowtable; // agent_flowtable.c
	struct agent_trust trust;

	struct control_alarm alarms[AGENT_ALARMS_MAX];
	size_t alarm_count;

	struct {
		char *message;
		size_t size;
	} early[AGENT_EARLY_MAX]; // agent_log.c
	size_t early_count;

	char host[64]; // this machine's name, for the log
	uid_t owner;   // of the state folder, as whom root goes on without --user; 0: no
	gid_t owner_group;
	gid_t group; // may read; (gid_t)-1: the process's own

	int listener; // -1: none
	struct agent_client clients[AGENT_CLIENTS_MAX];
	struct agent_pace nonsense;      // lines about clients that talk it
	int64_t handed_until;            // agent_server.c: what they may be given
	struct agent_pace verifications; // that who is not root asks for
	struct agent_doomed doomed;
	int applicant;                // index of the client whose request the commit machine works on; -1: none
	enum control_kind asked;      // what it asked for
	char asked_by[STATE_WHO_MAX]; // who it is; "": nobody asked
	int notify;                   // systemd's socket; -1: none
	bool seccomp, landlock, capabilities; // in force
};

int64_t agent_now(void);  // ms of CLOCK_BOOTTIME
int64_t agent_unix(void); // seconds since 1970

// ---- agent_log.c ----
// One event: a line for people on standard error (with the service manager's <N> prefix) and, where --syslog is
// given, an RFC 5424 message with structured data. `id` is its MSGID ("APPLIED", "REPAIRED", "DROP").
// Severities as in <syslog.h>.
struct agent_field {
	const char *name, *value;
};
void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...) __attribute__((format(printf, 6, 7)));

// The collectors could not be told anything before the outside process ran: they get what was logged until now,
// and how the start went. Where there is no outside process what waits is forgotten.
void agent_log_catch_up(struct agent *agent);

// Standing complaints, shown by status until they are lifted; raising one that stands changes its text only.
// Logged when raised and when lifted. `name` is its key.
void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void agent_alarm_lift(struct agent *agent, const char *name);
// The same for what is worth knowing and no complaint: kept and lifted with the alarms, not counted among them.
void agent_note(struct agent *agent, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
size_t agent_alarm_count(const struct agent *agent); // without the notes

// ---- agent_wall.c ----
// Parses, checks and compiles a bundle (taken over in every case). Asks nobody whether it may stand: that does
// agent_trust_wall. 0, or -errno with problems; `text` gets them as the user is to read them.
int agent_wall_new(uint64_t number, char *bundle, size_t size, struct agent_wall **ret, struct buffer *text);
// The closed wall from the policy text in state_read_closed (taken over), or (text NULL) with nothing known: no
// manage, and, where `bridge`, nothing passes through bridges either.
int agent_wall_closed(char *text, size_t size, bool bridge, struct agent_wall **ret);
void agent_wall_free(struct agent_wall *wall);

// ---- agent_apply.c: carries out the steps of agent->commit ----
void agent_boot(struct agent *agent);       // the wall is up, or the reason is in agent->reason
void agent_run_commit(struct agent *agent); // until COMMIT_IDLE
// Loads into the kernel, verifies. 0 or -errno; problems as text (warnings too).
int agent_load(struct agent *agent, const struct agent_wall *wall, bool *ret_touched,
               struct nft_load_result *ret, struct buffer *text);

// ---- agent_copy.c: the run folder's `standing` ----
// A copy of the last confirmed policy that outlives the agent, not the machine. 0 or -errno (-EBADMSG:
// damaged).
int agent_copy_write(int run, const struct agent_wall *wall);
int agent_copy_read(int run, uint64_t *ret_number, char **ret_bundle, size_t *ret_size);

// ---- agent_change.c ----
// The requests that change what stands. They answer the client themselves, at once or when it is done.
void agent_request_apply(struct agent *agent, int client, const struct control_request *request, char *bundle,
                         size_t size);
void agent_request_judge(struct agent *agent, int client, const struct control_request *request, char *bundle,
                         size_t size);
void agent_request_confirm(struct agent *agent, int client, const struct control_request *request);
void agent_request_rollback(struct agent *agent, int client, const struct control_request *request);
void agent_change_done(struct agent *agent); // COMMIT_ANSWER: tells who asked, and the log

// ---- agent_request.c ----
// Answers a request; `payload` is taken over.
void agent_request(struct agent *agent, int client, const struct control_request *request, char *payload,
                   size_t size);

// ---- agent_server.c: the control socket ----
int agent_server_open(struct agent *agent);
void agent_server_accept(struct agent *agent);
void agent_server_receive(struct agent *agent, int client);
void agent_answer(struct agent *agent, int client, struct control_answer *answer, const void *payload,
                  size_t size);
// With a payload that is shared (control_payload_new).
void agent_answer_shared(struct agent *agent, int client, struct control_answer *answer, int payload,
                         size_t size);
// An answer with an error and one line of text.
void agent_refuse(struct agent *agent, int client, enum control_kind kind, int error, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
void agent_drop_client(struct agent *agent, int client);
void agent_tell_followers(struct agent *agent, const struct control_drop *drop);

// ---- agent_discard.c: connections that are to be closed ----
void agent_discard(struct agent *agent, int fd, const struct control_peer_id *id); // closed now, or in a moment
// One that another process is to close in any case.
void agent_discard_unseen(struct agent *agent, int fd);
bool agent_discard_full(const struct agent *agent); // nobody is to be let in: it may be one more for it
int64_t agent_discard_next(const struct agent *agent);
void agent_discard_tick(struct agent *agent, int64_t now);

// ---- agent_guard.c: is the kernel's wall still ours? ----
int agent_guard_open(struct agent *agent);
void agent_guard_close(struct agent *agent);
void agent_guard_heard(struct agent *agent);           // nft_watch is readable
int agent_guard_modules_fd(const struct agent *agent); // negative: none
void agent_guard_modules_heard(struct agent *agent);   // it is readable
int64_t agent_guard_next(const struct agent *agent);
void agent_guard_tick(struct agent *agent, int64_t now);
// Compares at once; repairs. *ret_differences and `text` (a line each; may be NULL) as they were found. 0 or
// -errno.
int agent_guard_verify(struct agent *agent, struct buffer *text, size_t *ret_differences);
// Around our own transactions.
void agent_guard_pause(struct agent *agent);
void agent_guard_resume(struct agent *agent);

// ---- agent_peers.c: the counters ----
int agent_peers_open(struct agent *agent);
void agent_peers_close(struct agent *agent);
void agent_peers_wall_changed(struct agent *agent); // a new policy stands
void agent_peers_sample(struct agent *agent);       // reads the kernel's counters; once a minute and when asked
void agent_peers_connection(struct agent *agent, const struct prefix *source, const struct prefix *destination,
                            uint8_t protocol, uint16_t port, uint32_t count); // from agent_outside
void agent_peers_answer(struct agent *agent, struct buffer *out);             // struct control_peer each
void agent_counters_answer(struct agent *agent, struct buffer *out);          // struct control_counter each
uint64_t agent_counters_drops(const struct agent *agent);

// ---- agent_drops.c: the mirror of the table of drops, with reasons ----
int agent_drops_open(struct agent *agent);
void agent_drops_close(struct agent *agent);
void agent_drops_row(struct agent *agent, size_t index, const struct drops_row *row); // from agent_outside
void agent_drops_answer(struct agent *agent, struct buffer *out); // struct control_drop each
uint64_t agent_drops_suppressed(const struct agent *agent);
int64_t agent_drops_next(const struct agent *agent);
void agent_drops_tick(struct agent *agent, int64_t now);

// ---- agent_access.c: timed access ----
int agent_access_open(struct agent *agent);
void agent_access_close(struct agent *agent);
void agent_access_wall_changed(struct agent *agent); // windows that the kernel has dropped are logged as closed
void agent_request_allow(struct agent *agent, int client, const struct control_request *request);
void agent_request_close(struct agent *agent, int client, const struct control_request *request);
void agent_access_answer(struct agent *agent, struct buffer *out); // struct control_window each
uint32_t agent_access_count(const struct agent *agent);
bool agent_access_leads_through(const struct agent *agent); // one may be open to a device behind the gateway
int64_t agent_access_next(const struct agent *agent);
void agent_access_tick(struct agent *agent, int64_t now);

// ---- agent_flowtable.c (agent_flowtable.h has the rest) ----
// Takes the flow table down at once, for a moment at least: something is about to be let through that it must
// not take over, or somebody has changed the wall past the agent. 0, also when there is none; or -errno: it
// stands.
int agent_flowtable_down(struct agent *agent);

// ---- agent_status.c, agent_metrics.c ----
void agent_status_fill(struct agent *agent, struct control_status *ret);
void agent_metrics(struct agent *agent, struct buffer *out); // OpenMetrics 1.0 text
void agent_metrics_write(struct agent *agent);               // the file of --metrics-file

// ---- agent_start.c: what comes before and after the wall ----
// Makes the two folders where they are missing and, as root, gives them to --user.
void agent_start_folders(struct agent *agent);
// Becomes --user, with CAP_NET_ADMIN alone. Where that cannot be, root takes the folders back.
void agent_start_user(struct agent *agent);
// The state folder and its lock. 0 (also when it cannot be used: store_problem then), or -EBUSY when another
// agent has it; *ret_pid is then its process, 0: not known.
int agent_start_state(struct agent *agent, pid_t *ret_pid);
// Nothing can be stored or no policy is known, and another folder is in the state folder's place than at the
// start: /var was mounted late. Landlock knows only the one that was there, so it takes another start.
bool agent_start_state_moved(const struct agent *agent);
// Landlock and seccomp.
void agent_start_sandbox(struct agent *agent);

// ---- agent_loop.c ----
int agent_loop(struct agent *agent); // until agent->stop

#endif
