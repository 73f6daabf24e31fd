// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded into leadglassd (LD_PRELOAD) by agent_sandbox.py: what somebody might do who has taken over one of its
// processes. LEADGLASS_MEDDLE names a file of two orders, the keeper's and the outside process's; each process
// looks at its own whenever it waits.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NOTHING,
	EXECVE,
	INTERNET_SOCKET,
	LINK_SOCKET,
	CODE,
	PTRACE,
	READ_FILE,
	WRITE_FILE,
	NEW_NAMESPACE,
	SIGNAL,
	LOCAL_SOCKET,
	PASS_DESCRIPTOR,
	ROUTE_SOCKET
};

struct order {
	volatile int32_t call;   // set back to NOTHING when it is done
	volatile int32_t result; // or -errno
};

static struct order *orders;
static pid_t keeper;
static int (*real_poll)(struct pollfd *, nfds_t, int);

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LEADGLASS_MEDDLE");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (page != MAP_FAILED)
		orders = page;
	keeper = getpid();
	*(void **)&real_poll = dlsym(RTLD_NEXT, "poll");
}

static long carry_out(int32_t call)
{
	static char *const none[] = {NULL};
	static const struct msghdr message;

	switch (call) {
	case EXECVE:
		return execve("/bin/true", none, none);
	case INTERNET_SOCKET:
		return socket(AF_INET, SOCK_STREAM, 0);
	case LINK_SOCKET:
		return socket(AF_PACKET, SOCK_RAW, 0);
	case CODE:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		               ? -1
		               : 0;
	case PTRACE:
		return syscall(SYS_ptrace, 0, 0, 0, 0);
	case READ_FILE:
		return open("/etc/passwd", O_RDONLY);
	case WRITE_FILE:
		return open("/tmp/leadglass-meddle", O_WRONLY | O_CREAT, 0600);
	case NEW_NAMESPACE:
		return syscall(SYS_unshare, 0x10000000);
	case SIGNAL:
		return syscall(SYS_kill, keeper, 9);
	case LOCAL_SOCKET:
		return socket(AF_UNIX, SOCK_SEQPACKET, 0);
	case PASS_DESCRIPTOR:
		return sendmsg(3, &message, MSG_DONTWAIT);
	case ROUTE_SOCKET:
		return socket(AF_NETLINK, SOCK_RAW, 0);
	}
	return -1;
}

static void meddle(void)
{
	struct order *order = orders ? &orders[getpid() != keeper] : NULL;

	if (!order || order->call == NOTHING)
		return;
	errno = 0;
	order->result = carry_out(order->call) < 0 ? -errno : 0;
	order->call = NOTHING;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int result;

	meddle();
	result = real_poll(fds, count, timeout);
	const int error = errno;
	meddle();
	errno = error;
	return result;
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	(void)size;
	return poll(fds, count, timeout);
}
