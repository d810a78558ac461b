// SPDX-License-Identifier: GPL-2.0-only
/* What all random system calls use, and the processes that make the calls. */
#include "calls.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>

const char *const op_names[NR_OPS] = {
	"data write", "data writev", "data read", "data readv", "ctl write",
	"ctl writev", "ctl read", "ctl readv", "pread", "pwrite", "preadv2",
	"pwritev2", "poll", "epoll", "lseek", "ioctl", "mmap", "open", "close",
	"dup", "setfl", "fcntl", "splice from", "splice to", "sendfile", "fsync",
	"io_submit", "aio write", "aio read", "aio fsync", "aio poll", "ftruncate",
	"fallocate", "attr read", "attr write", "budget", "bind", "unbind",
};

/* Begin a call, described for messages. It may not fail until an errno is allowed. */
void begin(struct caller *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->worker->now, sizeof(c->worker->now), format, args);
	va_end(args);
	memset(c->allowed, 0, sizeof(c->allowed));
}

/* sim_dev.4 has this errno for the call when @when is true. */
void allow(struct caller *c, int err, bool when)
{
	if (when)
		c->allowed[err] = true;
}

/* End a call that returned @ret: right if @good, or if it failed with an allowed errno. */
void end(struct caller *c, enum op which, long ret, bool good)
{
	int err = ret < 0 ? errno : 0;

	count(&shared->calls, 1);
	count(&shared->count[which], 1);
	if (err < NR_ERRNOS)
		count(&shared->errnos[which][err], 1);
	if (ret >= 0 && !good)
		failure(c->worker, "%s returned %ld", op_names[which], ret);
	else if (ret < 0 && (err >= NR_ERRNOS || !c->allowed[err]))
		failure(c->worker, "%s: %s is not documented", op_names[which],
			strerrorname_np(err));
}

/* Errnos of any call on a slot. @mode is the access that it needs: O_RDONLY, O_WRONLY, or -1. */
void allow_slot(struct caller *c, unsigned int i, int mode)
{
	const struct slot *s = &c->slots[i];

	allow(c, EBADF, c->threads || !s->open || s->path ||
	      (mode >= 0 && s->access != O_RDWR && s->access != mode));
	allow(c, ENODEV, c->unbinding);
}

void allow_wild(struct caller *c, bool wild)
{
	allow(c, EFAULT, wild);
	allow(c, EINVAL, wild);
}

/* The errnos of submitting a request, by sim_dev.4. */
void allow_request(struct caller *c, unsigned int i)
{
	const struct slot *s = &c->slots[i];

	/* An error of this request, or of an earlier one whose result nobody reads. */
	bool reported = c->threads || s->nonblock != NONBLOCK || s->access == O_WRONLY;

	allow(c, EAGAIN, c->threads || s->nonblock != BLOCKS);
	allow(c, EINTR, c->threads || s->nonblock != NONBLOCK);	/* while it waits for room */
	allow(c, EIO, reported);
	allow(c, ETIMEDOUT, reported);
	allow(c, ENOBUFS, c->threads || s->access == O_RDWR);
}

/* The errnos of reading a result, which may be those of the request. */
void allow_result(struct caller *c, unsigned int i)
{
	allow_request(c, i);
	allow(c, EIO, true);
	allow(c, ETIMEDOUT, true);
	c->allowed[ENOBUFS] = false;
}

bool may_write(const struct caller *c, unsigned int i)
{
	const struct slot *s = &c->slots[i];

	return c->threads ||
	       (s->open && !s->path && (s->access == O_WRONLY || s->access == O_RDWR));
}

unsigned int any_slot(struct caller *c)
{
	return rng_below(&c->r, NR_SLOTS);
}

/* A slot of a control node, or of a data node. */
unsigned int slot_of(struct caller *c, bool ctl)
{
	return (any_slot(c) & ~1u) | ctl;
}

/* A slot whose file no other process has. */
unsigned int own_slot(struct caller *c)
{
	return NR_SHARED + rng_below(&c->r, NR_SLOTS - NR_SHARED);
}

struct buffer any_buffer(struct caller *c, size_t usual)
{
	static const size_t odd[] = { 0, 1, 4095, 4096, 4097, 8192, 65536, INT_MAX, 0x80000000,
				      0x7ffff000, SSIZE_MAX, (size_t)SSIZE_MAX + 1, SIZE_MAX };
	static const uintptr_t bad[] = { 0, 8, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000,
					 0xffff888000000000, 0xffffffff81000000, UINTPTR_MAX };
	struct buffer b;

	b.len = one_in(&c->r, 4) ? odd[rng_below(&c->r, ARRAY_SIZE(odd))] :
		rng_below(&c->r, usual);
	b.wild = b.len > ARENA;
	if (one_in(&c->r, 20)) {
		b.p = (uint8_t *)bad[rng_below(&c->r, ARRAY_SIZE(bad))];
		b.avail = 0;
		b.wild = true;
	} else if (one_in(&c->r, 8) || b.len > ARENA) {	/* reading its end faults */
		b.avail = rng_below(&c->r, b.len < 4096 ? b.len + 1 : 4096);
		b.p = c->arena + ARENA - b.avail;
	} else {
		b.avail = b.len;
		b.p = c->arena + ARENA - b.len;
	}
	return b;
}

off_t any_offset(struct caller *c)
{
	static const off_t odd[] = { 0, 1, 100, 4096, -1, INT_MAX, 1l << 32, LONG_MAX, LONG_MIN };

	return one_in(&c->r, 2) ? odd[rng_below(&c->r, 9)] : rng_below(&c->r, 1000);
}

/* The calls, and how often each is made. */
static const struct {
	void (*run)(struct caller *c);
	unsigned int weight;
} actions[] = {
	{ data_write, 16 }, { data_burst, 1 }, { data_writev, 6 }, { data_read, 12 },
	{ data_readv, 4 }, { ctl_write, 14 }, { ctl_writev, 3 }, { ctl_read, 5 },
	{ ctl_readv, 2 }, { any_pread, 2 }, { any_pwrite, 2 }, { any_preadv2, 3 },
	{ any_pwritev2, 3 }, { any_poll, 5 }, { any_epoll, 2 }, { any_lseek, 2 },
	{ any_ioctl, 3 }, { any_mmap, 2 }, { any_open, 8 }, { any_close, 2 }, { any_dup, 3 },
	{ any_setfl, 5 }, { any_fcntl, 2 }, { any_splice, 2 }, { any_sendfile, 2 },
	{ any_fsync, 2 }, { any_aio, 8 }, { any_ftruncate, 1 }, { any_fallocate, 1 },
	{ attr_read, 5 }, { attr_write, 6 }, { budget_write, 1 }, { bind_write, 1 },
};

static void any_call(struct caller *c)
{
	unsigned int all = 0, at, i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		all += actions[i].weight;
	at = rng_below(&c->r, all);
	for (i = 0; at >= actions[i].weight; i++)
		at -= actions[i].weight;
	actions[i].run(c);
}

static void nothing(int signo)
{
}

/* A timer whose signals end a call that would block for ever. */
static timer_t new_timer(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	timer_t timer;

	event._sigev_un._tid = gettid();
	if (sigaction(SIGUSR1, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer))
		die("timer: %m");
	return timer;
}

/* Have the timer fire every few milliseconds; for a patient caller, rarely. */
static void set_timer(struct caller *c, timer_t timer)
{
	unsigned int ms = c->patient ? 6000 : 2 + rng_below(&c->r, 20);
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };
	struct itimerspec every = { t, t };

	if (timer_settime(timer, 0, &every, NULL))
		die("timer: %m");
}

static void *caller_run(void *context)
{
	struct caller *c = context;
	timer_t timer = new_timer();
	unsigned long i;

	c->arena = new_arena();
	for (i = 0; i < c->quota; i++) {
		alarm(STUCK);
		count(&c->worker->progress, 1);
		c->r = mix(seed, c->number, i);
		if (i % 32 == 0)
			set_timer(c, timer);
		any_call(c);
	}
	snprintf(c->worker->now, sizeof(c->worker->now), "done");
	return NULL;
}

/* Start a process of @threads callers on two devices. Devices from 3 on are unbound meanwhile. */
void start_callers(const char *kind, unsigned int number, unsigned int first,
		   unsigned int threads, unsigned long quota)
{
	bool unbinding = first > 2;
	struct caller callers[4] = {};
	struct slot slots[NR_SLOTS] = {};
	pthread_t ids[4];
	unsigned int i;
	pid_t pid;

	for (i = 0; i < NR_SHARED; i++)
		slots[i] = (struct slot){ true, false, O_RDWR, UNSURE };
	for (i = 0; i < threads; i++) {
		callers[i].worker = new_worker(kind, number + i);
		callers[i].number = number + i;
		callers[i].quota = quota;
		callers[i].first = first;
		callers[i].unbinding = unbinding;
		callers[i].threads = threads > 1;
		callers[i].patient = quota < nr_calls / 100;
		callers[i].slots = slots;
	}
	pid = start_process();
	for (i = 0; pid && i < threads; i++)
		callers[i].worker->pid = pid;
	if (pid)
		return;
	for (i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, caller_run, &callers[i]))
			die("no thread");
	for (i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	exit(0);
}

/* Open the files that all callers of two devices share. */
void open_shared(unsigned int first)
{
	unsigned int i;
	int fd;

	for (i = 0; i < NR_SHARED; i++) {
		fd = open_node(first + (i >> 1), i & 1, O_RDWR);
		if (fd < 0 || dup2(fd, SLOT_FD + i) < 0)
			die("device %u: %m", first + (i >> 1));
		close(fd);
	}
}

void close_shared(void)
{
	unsigned int i;

	for (i = 0; i < NR_SHARED; i++)
		close(SLOT_FD + i);
}
