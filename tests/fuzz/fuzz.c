// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz: random bytes, lines, system calls and attribute writes, as root in a
 * guest with NR_DEVICES devices. At once, each in processes of its own:
 *
 *	oracle	lines to the control node of device 0, and its attributes; what
 *		each write returns and does is predicted by a second
 *		implementation of the grammar, written from the README
 *	calls	random system calls on the nodes of devices 1 and 2, in processes
 *		and threads that share files; an errno that the README does not
 *		give for that call and these arguments is a failure
 *	unbind	the same on devices 3 and 4, which are unbound and bound meanwhile
 *	flood	devices 8 and up time out without end
 *	log	counts the kernel's lines, whose rate has a bound
 *
 * A failure prints the seed, the worker and the number of its call: arguments
 * depend on these alone.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

#define NR_DEVICES	48
#define FIRST_FLOOD	8	/* devices from here on do nothing but time out */
#define MAX_LINE	64
#define MAX_COUNT	1000000
#define MAX_MS		600000
#define MAX_REQUEST	4096
#define NR_ERRNOS	134
#define ARENA		65536
#define STUCK		120	/* seconds without a call: hung */
#define SHORTEST	30	/* seconds; the log's rate limit needs some */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DRIVER		"/sys/bus/platform/drivers/sim_dev/"

static uint64_t seed;
static unsigned long nr_lines = 1000000, nr_calls = 200000;

/* What all processes share */

enum op {
	DATA_WRITE, DATA_WRITEV, DATA_READ, DATA_READV, CTL_WRITE, CTL_WRITEV,
	CTL_READ, CTL_READV, PREAD, PWRITE, PREADV2, PWRITEV2, POLL, EPOLL, LSEEK,
	IOCTL, MMAP, OPEN, CLOSE, DUP, SETFL, FCNTL, SPLICE_IN, SPLICE_OUT, SENDFILE,
	FSYNC, AIO_SUBMIT, AIO_WRITE, AIO_READ, AIO_SYNC, AIO_POLL,
	FTRUNCATE, FALLOCATE, ATTR_READ, ATTR_WRITE, BUDGET, BIND, UNBIND, NR_OPS
};

static const char *const op_names[NR_OPS] = {
	"data write", "data writev", "data read", "data readv", "ctl write",
	"ctl writev", "ctl read", "ctl readv", "pread", "pwrite", "preadv2",
	"pwritev2", "poll", "epoll", "lseek", "ioctl", "mmap", "open", "close",
	"dup", "setfl", "fcntl", "splice from", "splice to", "sendfile", "fsync",
	"io_submit", "aio write", "aio read", "aio fsync", "aio poll", "ftruncate",
	"fallocate", "attr read", "attr write", "budget", "bind", "unbind",
};

/* The lines that the driver logs, by what tells them apart. */
static const char *const log_words[] = {
	"timed out", "giving up", "retrying", "was cancelled", "reset failed",
	": done, but no interrupt", "was reset, but no interrupt", "callbacks suppressed",
};

enum {
	TIMED_OUT, GIVING_UP, RETRYING, WITHDRAWN, RESET_FAILED, MISSED, RESET_MISSED,
	SUPPRESSED, NR_LOG
};

#define NR_WORDS	SUPPRESSED	/* of one place each, but for "reset failed" */
#define NR_CALLSITES	(NR_WORDS + 1)
#define MAX_WORKERS	32

struct worker {
	char name[16];
	pid_t pid;
	unsigned long progress;
	char now[256];		/* the call under way */
};

static struct shared {
	bool stop;
	unsigned long failures;
	unsigned long lines;
	unsigned long line_errnos[NR_ERRNOS];	/* 0: accepted */
	unsigned long samples;			/* control node compared */
	unsigned long calls;
	unsigned long count[NR_OPS];
	unsigned long errnos[NR_OPS][NR_ERRNOS];
	unsigned long rebinds;
	unsigned long events[NR_WORDS];	/* what would be logged without a limit */
	unsigned long logged[NR_LOG];
	unsigned long log_others;		/* of ours, and not known */
	unsigned long log_lost;
	unsigned int nr_workers;
	struct worker workers[MAX_WORKERS];
} *shared;

static void count(unsigned long *what, unsigned long by)
{
	__atomic_add_fetch(what, by, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static __attribute__((format(printf, 2, 3)))
void failure(const struct worker *worker, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	count(&shared->failures, 1);
	if (shared->failures <= 40)
		printf("    wrong   seed %llu, %s, call %lu: %s: %s\n", (unsigned long long)seed,
		       worker->name, worker->progress, worker->now, text);
	fflush(stdout);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t state = a;

	state = rng(&state) ^ b;
	state = rng(&state) ^ c;
	return rng(&state);
}

static bool one_in(uint64_t *r, unsigned int n)
{
	return !rng_below(r, n);
}

/* An address range whose end faults. */
static uint8_t *new_arena(void)
{
	uint8_t *arena = mmap(NULL, ARENA + 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (arena == MAP_FAILED || mprotect(arena + ARENA, 4096, PROT_NONE))
		die("no memory: %m");
	return arena;
}

/* The grammar, by the README */

struct model {
	bool dead, gone;
	unsigned int latency, reset_latency, late_ms;
	unsigned int hang, late, error, reset_hang, spurious;
	unsigned int lost, duplicate, reset_lost, storm;
	uint64_t all_spurious;	/* ever asked for, storms included */
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/*
 * A decimal number with at most one sign: 0 or an errno. What does not fit in
 * 64 bits is out of range, whatever follows it.
 */
static int judge_number(const uint8_t *word, size_t len, unsigned int min,
			unsigned int max, unsigned int *number)
{
	bool minus = len && *word == '-', huge = false;
	size_t i = len && (*word == '-' || *word == '+');
	uint64_t value = 0;

	if (i == len)
		return EINVAL;
	for (; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return huge ? ERANGE : EINVAL;
		huge |= __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, word[i] - '0', &value);
	}
	if (huge || (minus && value) || value < min || value > max)
		return ERANGE;
	*number = value;
	return 0;
}

static const struct command {
	const char *name;
	unsigned int min_args, max_args;
	bool ms;	/* the first number is a time */
} commands[] = {
	{ "hang", 0, 1, false }, { "late", 1, 2, true }, { "error", 0, 1, false },
	{ "reset-hang", 0, 1, false }, { "spurious", 0, 1, false },
	{ "lost", 0, 1, false }, { "duplicate", 0, 1, false }, { "reset-lost", 0, 1, false },
	{ "storm", 1, 1, false },
	{ "latency", 1, 1, true }, { "reset-latency", 1, 1, true },
	{ "dead", 0, 0, false }, { "gone", 0, 0, false }, { "revive", 0, 0, false },
	{ "clear", 0, 0, false },
};

#define NR_COMMANDS	ARRAY_SIZE(commands)

/* The faults that a word alone sets, with a number of times. */
static unsigned int *model_fault(struct model *m, const char *name)
{
	return !strcmp(name, "hang") ? &m->hang :
	       !strcmp(name, "error") ? &m->error :
	       !strcmp(name, "reset-hang") ? &m->reset_hang :
	       !strcmp(name, "spurious") ? &m->spurious :
	       !strcmp(name, "lost") ? &m->lost :
	       !strcmp(name, "duplicate") ? &m->duplicate :
	       !strcmp(name, "reset-lost") ? &m->reset_lost :
	       !strcmp(name, "storm") ? &m->storm : NULL;
}

static void model_clear(struct model *m)
{
	m->hang = 0;
	m->late = 0;
	m->error = 0;
	m->reset_hang = 0;
	m->spurious = 0;
	m->lost = 0;
	m->duplicate = 0;
	m->reset_lost = 0;
	m->storm = 0;
}

static void apply(struct model *m, const char *name, const unsigned int *args, unsigned int nr)
{
	unsigned int *fault = model_fault(m, name), times = nr ? args[0] : 1;

	if (fault) {
		*fault = times;
		if (fault == &m->spurious || fault == &m->storm)
			m->all_spurious += times;
	} else if (!strcmp(name, "late")) {
		m->late_ms = args[0];
		m->late = nr > 1 ? args[1] : 1;
	} else if (!strcmp(name, "latency")) {
		m->latency = args[0];
	} else if (!strcmp(name, "reset-latency")) {
		m->reset_latency = args[0];
	} else if (!strcmp(name, "clear")) {
		model_clear(m);
	} else if (!strcmp(name, "gone")) {
		m->gone = true;
	} else if (!strcmp(name, "dead")) {
		m->dead = true;
	} else {		/* revive */
		m->dead = false;
		m->gone = false;
	}
}

/* One line without its newline: 0 or an errno. A good one changes the model, if there is one. */
static int judge_line(const uint8_t *line, size_t len, struct model *m)
{
	const struct command *command = NULL;
	unsigned int args[2], nr = 0, i;
	size_t start, end;
	int err;

	if (len > MAX_LINE)
		return EMSGSIZE;
	if (memchr(line, 0, len))
		return EINVAL;
	for (end = 0;;) {
		for (start = end; start < len && is_blank(line[start]); start++)
			;
		for (end = start; end < len && !is_blank(line[end]); end++)
			;
		if (start == end)
			break;
		if (!command) {
			for (i = 0; i < NR_COMMANDS; i++)
				if (strlen(commands[i].name) == end - start &&
				    !memcmp(commands[i].name, line + start, end - start))
					command = &commands[i];
			if (!command)
				return EINVAL;
			continue;
		}
		if (nr == command->max_args)
			return EINVAL;
		err = command->ms && !nr ?
			judge_number(line + start, end - start, 0, MAX_MS, &args[nr]) :
			judge_number(line + start, end - start, 1, MAX_COUNT, &args[nr]);
		if (err)
			return err;
		nr++;
	}
	if (!command)
		return 0;
	if (nr < command->min_args)
		return EINVAL;
	if (m)
		apply(m, command->name, args, nr);
	return 0;
}

/*
 * A write: how many bytes are taken, and why not more. Of @count bytes only
 * @avail can be read; within a line's length of that end a line may fault.
 */
struct verdict {
	size_t least, most;
	unsigned int lines;
	int err;	/* what the next line gets, 0 at the end */
	size_t bad;	/* that line's length, with its newline */
};

static size_t line_length(const uint8_t *p, size_t len)
{
	const uint8_t *newline = memchr(p, '\n', len);

	return newline ? newline - p : len;
}

static struct verdict judge(const uint8_t *p, size_t avail, size_t count, struct model *m)
{
	struct verdict v = {};
	size_t len, all;

	while (v.most < avail && !v.err) {
		len = line_length(p + v.most, avail - v.most);
		all = len + (v.most + len < avail);
		if (all == len && avail < count) {	/* goes on where nothing can be read */
			v.err = len > MAX_LINE ? EMSGSIZE : EFAULT;
			v.bad = all;
			break;
		}
		v.err = judge_line(p + v.most, len, m);
		if (v.err) {
			v.bad = all;
			break;
		}
		if (avail == count || v.most + MAX_LINE + 1 <= avail)
			v.least = v.most + all;
		v.most += all;
		v.lines++;
	}
	if (avail < count && !v.err)
		v.err = EFAULT;
	return v;
}

/* Lines: the generator, which knows nothing of the above */

static size_t put_number(uint64_t *r, char *out)
{
	static const char *const edges[] = {
		"0", "1", "2", "-1", "-0", "+0", "+1", "00", "01", "999999", "1000000",
		"1000001", "1000002", "599999", "600000", "600001", "0000000001000000",
		"-600000", "2147483647", "2147483648", "4294967295", "4294967296", "4294967297",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"18446744073709551617", "18446744073710151616",
		"340282366920938463463374607431768211457", "99999999999999999999999999",
		"99999999999999999999x", "0x10", "1e3", "1.0", "1,0", "--1", "++1", "+-1",
		"-+1", "+", "-", "1x", "x1", "1-", "1_0", "0b1", "'1'", "\"1\"",
	};

	static const unsigned int bounds[] = {
		0, 1, MAX_MS - 1, MAX_MS, MAX_MS + 1, MAX_COUNT - 1, MAX_COUNT, MAX_COUNT + 1,
	};

	switch (rng_below(r, 6)) {
	case 0:
		return sprintf(out, "%u",
			       one_in(r, 4) ? rng_below(r, 10) : bounds[rng_below(r, 8)]);
	case 1:
		return sprintf(out, "%u", 1 + rng_below(r, 600000));
	case 2:
		return sprintf(out, "%0*u", 1 + rng_below(r, 50), rng_below(r, 1100000));
	case 3:
		return sprintf(out, "%lld", (long long)(rng(r) >> rng_below(r, 64)));
	default:
		return sprintf(out, "%s", edges[rng_below(r, ARRAY_SIZE(edges))]);
	}
}

static size_t put_blanks(uint64_t *r, char *out, unsigned int min)
{
	size_t n = one_in(r, 4) ? min + rng_below(r, 4) : min, i;

	for (i = 0; i < n; i++)
		out[i] = one_in(r, 4) ? " \t\r\v\f"[rng_below(r, 5)] : ' ';
	return n;
}

/* A storm takes the CPU from everything else, so it is short, if it is one. */
static size_t put_storm_number(uint64_t *r, char *out)
{
	static const char *const edges[] = { "0", "-1", "1000001", "+3", "007", "x", "1x", "-0" };

	if (one_in(r, 4))
		return sprintf(out, "%s", edges[rng_below(r, ARRAY_SIZE(edges))]);
	return sprintf(out, "%u", 1 + rng_below(r, 30));
}

/* A command with as many numbers as it likes, good ones if @good; at most 200 bytes. */
static size_t put_command(uint64_t *r, char *out, bool good)
{
	const struct command *command = &commands[rng_below(r, NR_COMMANDS)];
	unsigned int nr = command->min_args, i;
	size_t n = put_blanks(r, out, 0);

	nr += rng_below(r, command->max_args - nr + 1);
	if (!good && one_in(r, 3))
		nr = rng_below(r, 4);
	n += sprintf(out + n, "%s", command->name);
	for (i = 0; i < nr; i++) {
		n += put_blanks(r, out + n, 1);
		if (!strcmp(command->name, "storm"))
			n += good ? sprintf(out + n, "%u", 1 + rng_below(r, 30)) :
				    put_storm_number(r, out + n);
		else if (good)
			n += sprintf(out + n, "%u", 1 + rng_below(r, one_in(r, 4) ? 600000 : 20));
		else
			n += put_number(r, out + n);
	}
	return n + put_blanks(r, out + n, 0);
}

static size_t put_noise(uint64_t *r, char *out, size_t max)
{
	unsigned int kind = rng_below(r, 4);
	size_t n = rng_below(r, max), i;

	for (i = 0; i < n; i++)
		out[i] = kind == 0 ? rng(r) : kind == 1 ? ' ' + rng_below(r, 95) :
			 kind == 2 ? " \t\r\v\f\n\0x1-"[rng_below(r, 10)] :
			 "adehlnrst-y 0123456789"[rng_below(r, 22)];
	return n;
}

static size_t mutate(uint64_t *r, char *line, size_t n)
{
	unsigned int times = 1 + rng_below(r, 3);
	size_t at;

	while (times-- && n) {
		at = rng_below(r, n);
		switch (rng_below(r, 6)) {
		case 0:
			line[at] = rng(r);
			break;
		case 1:
			line[at] ^= 1 << rng_below(r, 8);
			break;
		case 2:
			memmove(line + at, line + at + 1, n - at - 1);
			n--;
			break;
		case 3:
			memmove(line + at + 1, line + at, n - at);
			n++;
			break;
		case 4:
			memmove(line + at + 1, line + at, n - at);
			line[at] = one_in(r, 3) ? 0 : rng(r);
			n++;
			break;
		case 5:
			n = at;
		}
	}
	return n;
}

/* Stretch a line to around the greatest length, by blanks. */
static size_t stretch(uint64_t *r, char *line, size_t n)
{
	size_t len = MAX_LINE - 2 + rng_below(r, 5);

	if (n >= len)
		return n;
	if (one_in(r, 2)) {
		memset(line + n, ' ', len - n);
	} else {
		memmove(line + len - n, line, n);
		memset(line, ' ', len - n);
	}
	return len;
}

/* One line or some, with the newline; at most 4200 bytes. */
static size_t put_line(uint64_t *r, char *out, unsigned int bad_percent)
{
	size_t n;

	if (rng_below(r, 100) >= bad_percent) {
		n = put_command(r, out, true);
		if (one_in(r, 8))
			n = stretch(r, out, n);
	} else {
		switch (rng_below(r, 16)) {
		case 0:
			n = put_noise(r, out, 120);
			break;
		case 1:
			n = put_noise(r, out, one_in(r, 20) ? 4000 : 90);
			break;
		case 2:
			n = put_blanks(r, out, 0);
			break;
		case 3 ... 5:
			n = stretch(r, out, put_command(r, out, one_in(r, 2)));
			break;
		case 6 ... 10:
			n = put_command(r, out, false);
			break;
		default:
			n = mutate(r, out, put_command(r, out, one_in(r, 2)));
		}
	}
	out[n++] = '\n';
	return n;
}

/* Lines for one write, at the arena's end so that reading on faults. */
static uint8_t *put_lines(uint64_t *r, uint8_t *arena, size_t max, size_t *len)
{
	static __thread char text[ARENA];
	static const unsigned int percents[] = { 0, 3, 20, 60, 100 };
	unsigned int percent = percents[rng_below(r, 5)];
	size_t n = 0;

	max = 1 + rng_below(r, max);
	while (n < max)
		n += put_line(r, text + n, percent);
	if (one_in(r, 2))
		n--;	/* a last line without newline */
	memcpy(arena + ARENA - n, text, n);
	*len = n;
	return arena + ARENA - n;
}

/* The attributes, by the README: 0 or an errno */

static const struct attr {
	const char *name;
	unsigned int min, max;	/* 0, 0: read-only */
} attrs[] = {
	{ "timeout", 1, 3600 }, { "reset_timeout", 1, 3600 }, { "max_retries", 0, 100 },
	{ "state", 0, 0 }, { "counter", 0, 0 }, { "submitted", 0, 0 }, { "completed", 0, 0 },
	{ "failed", 0, 0 }, { "cancelled", 0, 0 }, { "timeouts", 0, 0 }, { "resets", 0, 0 },
	{ "reset_failures", 0, 0 }, { "retries", 0, 0 }, { "late", 0, 0 }, { "spurious", 0, 0 },
	{ "missed", 0, 0 },
};

#define NR_ATTRS	ARRAY_SIZE(attrs)
#define NR_SETTINGS	3

/* sysfs takes a page and up to a NUL; one newline may end it. A minus is bad, not out of range. */
static int judge_attr(const struct attr *attr, const uint8_t *p, size_t len, unsigned int *value)
{
	size_t n = strnlen((const char *)p, len < 4096 ? len : 4096);

	if (n && p[n - 1] == '\n')
		n--;
	if (n && *p == '-')
		return EINVAL;
	return judge_number(p, n, attr->min, attr->max, value);
}

static size_t put_setting(uint64_t *r, char *out)
{
	static const unsigned int edges[] = { 0, 1, 100, 101, 3600, 3601 };
	size_t n;

	switch (rng_below(r, 8)) {
	case 0:
		return put_noise(r, out, one_in(r, 10) ? 6000 : 20);
	case 1:
		n = mutate(r, out, sprintf(out, "%u", rng_below(r, 4000)));
		break;
	case 2:
		n = put_number(r, out);
		break;
	case 3:
		n = sprintf(out, "%u", edges[rng_below(r, ARRAY_SIZE(edges))]);
		break;
	default:
		n = sprintf(out, "%u", rng_below(r, one_in(r, 3) ? 4000 : 4));
	}
	if (one_in(r, 3))
		out[n++] = '\n';
	return n;
}

static int open_attr(unsigned int device, const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS, device, name);
	return open(path, flags | O_CLOEXEC);
}

/* The oracle, on device 0 */

struct oracle {
	struct worker *worker;
	uint64_t r;
	struct model model;
	uint64_t spurious;	/* as last seen */
	unsigned int settings[NR_SETTINGS];
	uint8_t *arena;
	int fd;
	bool wrong;
};

/* A line as it can be printed. */
static const char *quoted(const uint8_t *p, size_t len)
{
	static __thread char text[600];
	size_t n = 0, i;

	for (i = 0; i < len && n < sizeof(text) - 8; i++)
		n += sprintf(text + n,
			     p[i] >= ' ' && p[i] < 127 && p[i] != '\\' ? "%c" : "\\x%02x", p[i]);
	sprintf(text + n, "%s", i < len ? "..." : "");
	return text;
}

static __attribute__((format(printf, 2, 3)))
void oracle_wrong(struct oracle *o, const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	failure(o->worker, "%s", text);
	o->wrong = true;
}

/* A number that the node shows. */
static bool shown(const char *text, const char *key, unsigned long long *value)
{
	const char *at = strstr(text, key);

	if (at)
		*value = strtoull(at + strlen(key), NULL, 10);
	return at;
}

/*
 * The node must show the model, all of it; only interrupts without cause go on by
 * themselves.
 */
static void oracle_compare(struct oracle *o, const char *after)
{
	const struct model *m = &o->model;
	char seen[2048] = "", expected[2048];
	unsigned long long pending, storm, spurious;
	ssize_t len = pread(o->fd, seen, sizeof(seen) - 1, 0);

	count(&shared->samples, 1);
	if (len <= 0 || !shown(seen, "\npending_spurious: ", &pending) ||
	    !shown(seen, "\npending_storm: ", &storm) || !shown(seen, "\nspurious: ", &spurious)) {
		oracle_wrong(o, "the control node shows '%s'", seen);
		return;
	}
	snprintf(expected, sizeof(expected),
		 "state: idle\ncounter: -1\noutstanding: 0\ndead: %d\ngone: %d\n"
		 "latency_ms: %u\nreset_latency_ms: %u\nlate_ms: %u\npending_hang: %u\n"
		 "pending_late: %u\npending_error: %u\npending_reset_hang: %u\n"
		 "pending_spurious: %llu\npending_lost: %u\npending_duplicate: %u\n"
		 "pending_reset_lost: %u\npending_storm: %llu\n"
		 "submitted: 0\ncompleted: 0\nfailed: 0\ncancelled: 0\ntimeouts: 0\nresets: 0\n"
		 "reset_failures: 0\nretries: 0\nlate: 0\nspurious: %llu\nmissed: 0\n",
		 m->dead, m->gone, m->latency, m->reset_latency, m->late_ms, m->hang, m->late,
		 m->error, m->reset_hang, pending, m->lost, m->duplicate, m->reset_lost, storm,
		 spurious);
	if (strcmp(seen, expected))
		oracle_wrong(o, "after %s the node shows\n%sand not\n%s", after, seen, expected);
	else if (pending > m->spurious || storm > m->storm || spurious < o->spurious ||
		 spurious > m->all_spurious)
		oracle_wrong(o,
			     "after %s %llu spurious of %u and a storm of %llu of %u are pending, %llu came, %llu before",
			     after, pending, m->spurious, storm, m->storm, spurious,
			     (unsigned long long)o->spurious);
	o->spurious = spurious;
}

/* What write() must return for @count bytes at @p, of which @avail are there. Bytes used up. */
static size_t oracle_write(struct oracle *o, const uint8_t *p, size_t avail, size_t bytes)
{
	struct verdict v = judge(p, avail, bytes, NULL);
	ssize_t ret = write(o->fd, p, bytes);
	int err = ret < 0 ? errno : 0;
	size_t at = ret < 0 ? 0 : ret < v.most ? ret : v.most;
	bool good;

	if (ret > 0)
		good = ret <= v.most && ret >= (v.least ? v.least : 1) &&
			(avail == bytes || ret == v.most || p[ret - 1] == '\n');
	else if (!ret)
		good = !bytes;
	else
		good = bytes && !v.least && (err == v.err || (avail < bytes && err == EFAULT));
	if (!good) {
		oracle_wrong(o,
			     "write of %zu bytes, %zu readable: %zd %s, not %zu to %zu, %s: '%s'",
			     bytes, avail, ret, strerrorname_np(err), v.least, v.most,
			     strerrorname_np(v.err),
			     quoted(p + at, line_length(p + at, avail - at)));
		return avail;
	}
	if (ret > 0) {
		v = judge(p, ret, ret, &o->model);
		count(&shared->lines, v.lines);
		count(&shared->line_errnos[0], v.lines);
		return ret;
	}
	count(&shared->line_errnos[err], 1);
	if (avail < bytes)
		return avail;
	count(&shared->lines, v.bad != 0);
	if (v.bad && one_in(&o->r, 64))
		oracle_compare(o, "a bad line");
	return v.bad;
}

static void oracle_lines(struct oracle *o)
{
	size_t len, done = 0, max = one_in(&o->r, 10) ? 32768 : 2000;
	uint8_t *p = put_lines(&o->r, o->arena, max, &len);

	if (one_in(&o->r, 20)) {	/* its end cannot be read */
		snprintf(o->worker->now, sizeof(o->worker->now), "past the end");
		oracle_write(o, p, len, len + 1 + rng_below(&o->r, 200));
	} else if (one_in(&o->r, 100)) {
		oracle_write(o, p, 0, 0);
	}
	while (done < len && !o->wrong) {
		snprintf(o->worker->now, sizeof(o->worker->now), "at %zu of %zu", done, len);
		done += oracle_write(o, p + done, len - done, len - done);
	}
	if (!o->wrong && one_in(&o->r, 32))
		oracle_compare(o, "lines");
}

static void oracle_attr(struct oracle *o)
{
	unsigned int i = rng_below(&o->r, NR_ATTRS), value;
	const struct attr *attr = &attrs[i];
	char text[6200], seen[32];
	size_t len;
	ssize_t ret;
	int fd, err;

	snprintf(o->worker->now, sizeof(o->worker->now), "attribute %s", attr->name);
	fd = open_attr(0, attr->name, O_RDWR);
	if (i >= NR_SETTINGS) {
		if (fd >= 0 || errno != EACCES)
			oracle_wrong(o, "opens for writing: %m");
		return;
	}
	if (fd < 0) {
		oracle_wrong(o, "%m");
		return;
	}
	len = put_setting(&o->r, text);
	err = len ? judge_attr(attr, (uint8_t *)text, len, &value) : 0;
	ret = write(fd, text, len);
	if (err ? ret >= 0 || errno != err : ret != (len < 4096 ? len : 4096))
		oracle_wrong(o, "%zd %s, not %s for '%s'", ret,
			     ret < 0 ? strerrorname_np(errno) : "", strerrorname_np(err),
			     quoted((uint8_t *)text, len));
	if (len && !err)
		o->settings[i] = value;
	count(&shared->count[ATTR_WRITE], 1);
	count(&shared->errnos[ATTR_WRITE][err], 1);
	ret = pread(fd, seen, sizeof(seen) - 1, 0);
	seen[ret > 0 ? ret : 0] = '\0';
	snprintf(text, sizeof(text), "%u\n", o->settings[i]);
	if (strcmp(seen, text))
		oracle_wrong(o, "shows %s, not %s", seen, text);
	close(fd);
}

static void oracle_run(struct worker *worker)
{
	static const char start[] = "clear\nrevive\nlatency 5\nreset-latency 5\nlate 0\nclear\n";
	struct oracle o = { .worker = worker, .arena = new_arena(), .settings = { 3, 2, 3 } };
	unsigned int i;

	o.fd = open_node(0, true, O_RDWR);
	if (o.fd < 0 || write(o.fd, start, strlen(start)) != strlen(start))
		die("the control node of device 0: %m");
	judge((const uint8_t *)start, strlen(start), strlen(start), &o.model);
	for (i = 0; i < NR_SETTINGS; i++)
		set_attr(0, attrs[i].name, o.settings[i]);
	while (shared->lines < nr_lines && !o.wrong) {
		alarm(STUCK);
		count(&worker->progress, 1);
		o.r = mix(seed, 0, worker->progress);
		oracle_lines(&o);
		if (one_in(&o.r, 4))
			oracle_attr(&o);
	}
	if (!o.wrong)
		oracle_compare(&o, "all");
}

/* Random system calls */

#define NR_SLOTS	12
#define NR_SHARED	4	/* of them, the first: files that processes share */
#define SLOT_FD		100	/* above what open() gives */

enum { BLOCKS, NONBLOCK, UNSURE };

/* What is known of a file. Its number alone tells node and device. */
struct slot {
	bool open;
	bool path;
	int access;
	int nonblock;
};

#define MAX_FLIGHTS	16

/* An asynchronous operation under way: what it may end with. */
struct flight {
	bool busy;
	enum op which;
	unsigned int slot;
	size_t len;
	bool allowed[NR_ERRNOS];
};

struct caller {
	struct worker *worker;
	uint64_t r;
	unsigned long quota;
	unsigned int number;
	unsigned int first;	/* the lower one of its two devices */
	bool unbinding;		/* these come and go */
	bool threads;		/* others have the same slots */
	bool patient;
	struct slot *slots;
	uint8_t *arena;
	bool allowed[NR_ERRNOS];
	aio_context_t aio;
	struct flight flights[MAX_FLIGHTS];
};

static unsigned int slot_device(const struct caller *c, unsigned int i)
{
	return c->first + (i >> 1 & 1);
}

static bool slot_is_ctl(unsigned int i)
{
	return i & 1;
}

/* Begin a call: nothing is allowed yet. */
static __attribute__((format(printf, 2, 3)))
void begin(struct caller *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->worker->now, sizeof(c->worker->now), format, args);
	va_end(args);
	memset(c->allowed, 0, sizeof(c->allowed));
}

static void allow(struct caller *c, int err, bool when)
{
	if (when)
		c->allowed[err] = true;
}

/* End it: returned @ret, which is good if @good; else errno must be allowed. */
static void end(struct caller *c, enum op which, long ret, bool good)
{
	int err = ret < 0 ? errno : 0;

	count(&shared->calls, 1);
	count(&shared->count[which], 1);
	if (err < NR_ERRNOS)
		count(&shared->errnos[which][err], 1);
	if (ret >= 0 && !good)
		failure(c->worker, "%s returned %ld", op_names[which], ret);
	else if (ret < 0 && (err >= NR_ERRNOS || !c->allowed[err]))
		failure(c->worker, "%s: undocumented %s", op_names[which], strerrorname_np(err));
}

/* What any call on a slot may get: @mode is O_RDONLY, O_WRONLY, or -1 for neither. */
static void allow_slot(struct caller *c, unsigned int i, int mode)
{
	const struct slot *s = &c->slots[i];

	allow(c, EBADF, c->threads || !s->open || s->path ||
	      (mode >= 0 && s->access != O_RDWR && s->access != mode));
	allow(c, ENODEV, c->unbinding);
}

static bool may_write(const struct caller *c, unsigned int i)
{
	const struct slot *s = &c->slots[i];

	return c->threads ||
	       (s->open && !s->path && (s->access == O_WRONLY || s->access == O_RDWR));
}

static unsigned int any_slot(struct caller *c)
{
	return rng_below(&c->r, NR_SLOTS);
}

static unsigned int slot_of(struct caller *c, bool ctl)
{
	return (any_slot(c) & ~1u) | ctl;
}

/* A buffer: of @len bytes, @avail can be used. */
struct buffer {
	uint8_t *p;
	size_t len, avail;
	bool wild;	/* refused before a driver sees it, or may be */
};

static struct buffer any_buffer(struct caller *c, size_t usual)
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
	} else if (one_in(&c->r, 8) || b.len > ARENA) {	/* over the edge */
		b.avail = rng_below(&c->r, b.len < 4096 ? b.len + 1 : 4096);
		b.p = c->arena + ARENA - b.avail;
	} else {
		b.avail = b.len;
		b.p = c->arena + ARENA - b.len;
	}
	return b;
}

/* Fill with lines. On tame devices (odd ones) faults are rare, so that requests succeed too. */
static struct buffer ctl_buffer(struct caller *c, unsigned int i)
{
	bool tame = slot_device(c, i) & 1;
	struct verdict v;
	struct buffer b = {};

	b.p = put_lines(&c->r, c->arena, one_in(&c->r, 3) ? 1500 : 40, &b.len);
	if (tame && !one_in(&c->r, 200)) {
		v = judge(b.p, b.len, b.len, NULL);
		b.p += v.most;
		b.len -= v.most;
	}
	b.avail = b.len;
	if (one_in(&c->r, 16))
		b.len += 1 + rng_below(&c->r, 100);
	return b;
}

static void allow_wild(struct caller *c, bool wild)
{
	allow(c, EFAULT, wild);
	allow(c, EINVAL, wild);
}

/* A request's errnos, as the README has them */
static void allow_request(struct caller *c, unsigned int i)
{
	const struct slot *s = &c->slots[i];

	/* Of itself, or told late: of one that nobody reads and that was queued before. */
	bool told = c->threads || s->nonblock != NONBLOCK || s->access == O_WRONLY;

	allow(c, EAGAIN, c->threads || s->nonblock != BLOCKS);
	allow(c, EINTR, c->threads || s->nonblock != NONBLOCK);	/* while it waits for room */
	allow(c, EIO, told);
	allow(c, ETIMEDOUT, told);
	allow(c, ENOBUFS, c->threads || s->access == O_RDWR);
}

static void data_write_to(struct caller *c, unsigned int i)
{
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	ssize_t ret;

	begin(c, "write(slot %u, %p, %zu), %zu readable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, b.wild);
	allow(c, EMSGSIZE, b.len > MAX_REQUEST);
	allow(c, EFAULT, b.avail < b.len && b.len <= MAX_REQUEST);
	if (b.len && b.avail == b.len && b.len <= MAX_REQUEST)
		allow_request(c, i);
	ret = write(SLOT_FD + i, b.p, b.len);
	end(c, DATA_WRITE, ret,
	    ret == b.len && b.avail == b.len && b.len <= MAX_REQUEST && may_write(c, i));
}

static void data_write(struct caller *c)
{
	data_write_to(c, slot_of(c, false));
}

/* Enough to fill a file's list of results. */
static void data_burst(struct caller *c)
{
	unsigned int i = slot_of(c, false), nr = one_in(&c->r, 3) ? 100 : 1;

	while (nr--)
		data_write_to(c, i);
}

static void data_read(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	ssize_t ret;

	begin(c, "read(slot %u, %p, %zu), %zu writable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EFAULT, !b.avail);
	if (b.len) {
		allow_request(c, i);
		allow(c, EIO, true);	/* of earlier requests */
		allow(c, ETIMEDOUT, true);
		c->allowed[ENOBUFS] = false;
	}
	ret = read(SLOT_FD + i, b.p, b.len);
	end(c, DATA_READ, ret, ret <= MAX_REQUEST && ret <= b.avail);
}

/* Up to 4 buffers in a row; their sums. */
struct vector {
	struct iovec iov[4];
	struct iovec *p;
	int nr;
	size_t len, avail;
	bool wild, short_of;
};

static struct vector any_vector(struct caller *c, size_t usual)
{
	static const int odd[] = { -1, 1025, INT_MAX, INT_MIN, 5000 };
	struct vector v = { .p = v.iov };
	struct buffer b;
	int i;

	memset(&v, 0, sizeof(v));
	v.nr = rng_below(&c->r, 5);
	for (i = 0; i < v.nr; i++) {
		b = any_buffer(c, usual);
		v.iov[i] = (struct iovec){ b.p, b.len };
		v.wild |= b.wild;
		v.len += b.len;
		v.short_of |= b.avail < b.len;
		if (!v.short_of || b.avail)
			v.avail += b.avail;
	}
	if (one_in(&c->r, 20)) {
		v.nr = odd[rng_below(&c->r, ARRAY_SIZE(odd))];
		v.wild = true;
	}
	v.wild |= v.len > ARENA * 4;
	return v;
}

/* The vector itself may lie where it cannot be read. */
static const struct iovec *vector_at(struct caller *c, struct vector *v)
{
	if (!one_in(&c->r, 30))
		return v->iov;
	v->wild = true;
	return (const struct iovec *)(c->arena + ARENA - (one_in(&c->r, 2) ? 8 : 0));
}

static void data_writev(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct vector v = any_vector(c, one_in(&c->r, 4) ? 2000 : 50);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "writev(slot %u, %p, %d), %zu bytes%s%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "", v.short_of ? ", not all readable" : "");
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, v.wild);
	allow(c, EMSGSIZE, v.wild || v.len > MAX_REQUEST);
	allow(c, EFAULT, v.short_of && v.len <= MAX_REQUEST);
	if (v.wild || (v.len && !v.short_of && v.len <= MAX_REQUEST))
		allow_request(c, i);
	ret = writev(SLOT_FD + i, iov, v.nr);
	end(c, DATA_WRITEV, ret, v.wild ? ret <= MAX_REQUEST :
	    ret == v.len && v.len <= MAX_REQUEST && !v.short_of && may_write(c, i));
}

static void data_readv(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct vector v = any_vector(c, one_in(&c->r, 4) ? 2000 : 50);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "readv(slot %u, %p, %d), %zu bytes%s%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "", v.short_of ? ", not all writable" : "");
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, v.wild);
	allow(c, EFAULT, v.short_of);
	allow_request(c, i);
	allow(c, EIO, true);
	allow(c, ETIMEDOUT, true);
	c->allowed[ENOBUFS] = false;
	ret = readv(SLOT_FD + i, iov, v.nr);
	end(c, DATA_READV, ret, ret <= MAX_REQUEST && (v.wild || ret <= v.avail));
}

/* A signal may end it after any line. */
static bool ctl_write_good(const struct buffer *b, const struct verdict *v, ssize_t ret)
{
	if (!b->len)
		return !ret;
	return ret > 0 && ret <= v->most && (ret == v->most || b->p[ret - 1] == '\n');
}

static void ctl_write(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct buffer b = ctl_buffer(c, i);
	struct verdict v = judge(b.p, b.avail, b.len, NULL);
	ssize_t ret;

	begin(c, "write(ctl slot %u, '%s', %zu), %zu readable", i, quoted(b.p, b.avail), b.len,
	      b.avail);
	allow_slot(c, i, O_WRONLY);
	allow(c, v.err, v.err && !v.least);
	allow(c, EFAULT, b.avail < b.len && !v.least);
	ret = write(SLOT_FD + i, b.p, b.len);
	end(c, CTL_WRITE, ret, ctl_write_good(&b, &v, ret) && may_write(c, i));
}

/* Each part is a write of its own, up to one that is not taken whole. */
static void ctl_writev(struct caller *c)
{
	unsigned int i = slot_of(c, true), nr = 1 + rng_below(&c->r, 4), k;
	struct buffer b = ctl_buffer(c, i);
	size_t at = 0, most = 0;
	struct iovec iov[4];
	struct verdict v;
	ssize_t ret;
	int err = 0;
	bool whole = true;

	b.len = b.avail;
	begin(c, "writev(ctl slot %u, %u), %zu bytes", i, nr, b.len);
	allow_slot(c, i, O_WRONLY);
	for (k = 0; k < nr; k++) {
		iov[k].iov_base = b.p + at;
		iov[k].iov_len = k == nr - 1 ? b.len - at : rng_below(&c->r, b.len - at + 1);
		at += iov[k].iov_len;
		if (!whole || !iov[k].iov_len)
			continue;
		v = judge(iov[k].iov_base, iov[k].iov_len, iov[k].iov_len, NULL);
		if (!most && !v.most)
			err = v.err;
		most += v.most;
		whole = v.most == iov[k].iov_len;
	}
	allow(c, err, err);
	ret = writev(SLOT_FD + i, iov, nr);
	end(c, CTL_WRITEV, ret, ret <= most && (ret || !b.len) && may_write(c, i));
}

static void ctl_read(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct buffer b = any_buffer(c, 1000);
	ssize_t ret;

	begin(c, "read(ctl slot %u, %p, %zu), %zu writable", i, b.p, b.len, b.avail);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EFAULT, b.avail < b.len);
	ret = read(SLOT_FD + i, b.p, b.len);
	end(c, CTL_READ, ret, ret <= 4096 && ret <= b.avail);
}

static void ctl_readv(struct caller *c)
{
	unsigned int i = slot_of(c, true);
	struct vector v = any_vector(c, 300);
	const struct iovec *iov = vector_at(c, &v);
	ssize_t ret;

	begin(c, "readv(ctl slot %u, %p, %d), %zu bytes%s", i, iov, v.nr, v.len,
	      v.wild ? ", wild" : "");
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, v.wild);
	allow(c, EFAULT, v.short_of);
	ret = readv(SLOT_FD + i, iov, v.nr);
	end(c, CTL_READV, ret, ret <= 4 * 4096 && (v.wild || ret <= v.avail));
}

static off_t any_offset(struct caller *c)
{
	static const off_t odd[] = { 0, 1, 100, 4096, -1, INT_MAX, 1l << 32, LONG_MAX, LONG_MIN };

	return one_in(&c->r, 2) ? odd[rng_below(&c->r, 9)] : rng_below(&c->r, 1000);
}

/* The data node is a stream; the control node can be read anywhere. */
static void any_pread(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	off_t at = any_offset(c);
	ssize_t ret;

	begin(c, "pread(%sslot %u, %p, %zu, %ld)", slot_is_ctl(i) ? "ctl " : "", i, b.p, b.len, at);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < 0 || at > LONG_MAX - ARENA);
	allow(c, EFAULT, b.avail < b.len);
	allow(c, ESPIPE, !slot_is_ctl(i));
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	ret = pread(SLOT_FD + i, b.p, b.len, at);
	end(c, PREAD, ret, slot_is_ctl(i) && ret <= 4096 && ret <= b.avail);
}

static void any_pwrite(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	off_t at = any_offset(c);

	begin(c, "pwrite(%sslot %u, %p, %zu, %ld)", slot_is_ctl(i) ? "ctl " : "", i, b.p, b.len,
	      at);
	allow_slot(c, i, O_WRONLY);
	allow(c, EINVAL, at < 0);
	allow(c, ESPIPE, true);
	end(c, PWRITE, pwrite(SLOT_FD + i, b.p, b.len, at), false);
}

static int any_rwf(struct caller *c)
{
	return one_in(&c->r, 3) ? 0 : one_in(&c->r, 3) ? rng(&c->r) : 1 << rng_below(&c->r, 6);
}

/* At position -1, so as read() and write() with flags; nowhere else for the data node. */
static void any_preadv2(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct buffer b = any_buffer(c, 1000);
	struct iovec iov = { b.p, b.len };
	off_t at = one_in(&c->r, 3) ? any_offset(c) : -1;
	int flags = any_rwf(c);
	ssize_t ret;

	begin(c, "preadv2(%sslot %u, %p, %zu, %ld, %#x)", slot_is_ctl(i) ? "ctl " : "", i, b.p,
	      b.len, at, flags);
	allow_slot(c, i, O_RDONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < -1 || flags || at > LONG_MAX - ARENA);
	allow(c, EFAULT, slot_is_ctl(i) ? b.avail < b.len : !b.avail);
	allow(c, ESPIPE, !slot_is_ctl(i) && at != -1);
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	allow(c, EOPNOTSUPP, flags);
	if (!slot_is_ctl(i) && b.len) {
		allow_request(c, i);
		allow(c, EIO, true);
		allow(c, ETIMEDOUT, true);
		c->allowed[ENOBUFS] = false;
	}
	ret = preadv2(SLOT_FD + i, &iov, 1, at, flags);
	end(c, PREADV2, ret, ret <= 4096 && ret <= b.avail);
}

static void any_pwritev2(struct caller *c)
{
	unsigned int i = slot_of(c, false);
	struct buffer b = any_buffer(c, 100);
	struct iovec iov = { b.p, b.len };
	off_t at = one_in(&c->r, 3) ? any_offset(c) : -1;
	int flags = any_rwf(c);
	ssize_t ret;

	begin(c, "pwritev2(slot %u, %p, %zu, %ld, %#x)", i, b.p, b.len, at, flags);
	allow_slot(c, i, O_WRONLY);
	allow_wild(c, b.wild);
	allow(c, EINVAL, at < -1 || flags);
	allow(c, EMSGSIZE, b.len > MAX_REQUEST);
	allow(c, EFAULT, b.avail < b.len && b.len <= MAX_REQUEST);
	allow(c, ESPIPE, at != -1);
	allow(c, EOPNOTSUPP, flags);
	if (b.len && b.avail == b.len && b.len <= MAX_REQUEST)
		allow_request(c, i);
	ret = pwritev2(SLOT_FD + i, &iov, 1, at, flags);
	end(c, PWRITEV2, ret, at == -1 && ret == b.len && b.avail == b.len && b.len <= MAX_REQUEST);
}

static bool events_good(const struct caller *c, unsigned int i, short events)
{
	short may = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

	if (c->unbinding)
		may |= POLLERR | POLLHUP;
	if (c->threads || !c->slots[i].open || c->slots[i].path)
		may |= POLLNVAL;
	return !(events & ~may);
}

static void any_poll(struct caller *c)
{
	static const int timeouts[] = { -1, 0, 1, 10, INT_MAX, INT_MIN };
	unsigned int nr = rng_below(&c->r, 4), slots[4], k;
	int timeout = timeouts[rng_below(&c->r, ARRAY_SIZE(timeouts))];
	struct pollfd fds[4];
	bool good = true;
	int ret;

	for (k = 0; k < nr; k++) {
		slots[k] = any_slot(c);
		fds[k] = (struct pollfd){ SLOT_FD + slots[k],
					  one_in(&c->r, 2) ? POLLIN : rng(&c->r), 0 };
	}
	begin(c, "poll(%u, %d)", nr, timeout);
	allow(c, EINTR, true);	/* the timer may strike even without a time-out */
	if (one_in(&c->r, 20)) {
		allow(c, EFAULT, true);
		ret = poll((struct pollfd *)(c->arena + ARENA - 4), 1, timeout);
	} else {
		ret = poll(fds, nr, timeout);
		for (k = 0; ret > 0 && k < nr; k++)
			good &= events_good(c, slots[k], fds[k].revents);
	}
	end(c, POLL, ret, good && ret <= nr);
}

static void any_epoll(struct caller *c)
{
	unsigned int i = any_slot(c);
	struct epoll_event event = { .events = EPOLLIN | (uint32_t)rng(&c->r), .data.u32 = i };
	int fd = epoll_create1(EPOLL_CLOEXEC), ret;

	begin(c, "epoll(slot %u, %#x)", i, event.events);
	allow(c, EBADF, c->threads || !c->slots[i].open || c->slots[i].path);
	allow(c, EINVAL, event.events & EPOLLEXCLUSIVE);
	allow(c, EINTR, true);
	ret = epoll_ctl(fd, EPOLL_CTL_ADD, SLOT_FD + i, &event);
	if (!ret)
		ret = epoll_wait(fd, &event, 1, rng_below(&c->r, 5));
	end(c, EPOLL, ret, ret == 0 || (ret == 1 && events_good(c, i, event.events)));
	close(fd);
}

static void any_lseek(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t at = any_offset(c) & ~(1l << 62);	/* else the next read could be too far out */
	int whence = one_in(&c->r, 2) ? SEEK_SET : rng_below(&c->r, 7);
	off_t ret;

	begin(c, "lseek(%sslot %u, %ld, %d)", slot_is_ctl(i) ? "ctl " : "", i, at, whence);
	allow_slot(c, i, -1);
	allow(c, ESPIPE, !slot_is_ctl(i));
	allow(c, EINVAL, whence > SEEK_CUR || at < 0);
	ret = lseek(SLOT_FD + i, at, whence);
	end(c, LSEEK, ret < 0 ? -1 : 0, slot_is_ctl(i));
}

/* None of its own; a few are the kernel's for any file. */
static void any_ioctl(struct caller *c)
{
	unsigned int i = any_slot(c);
	unsigned int command = rng(&c->r);
	bool nonblock = one_in(&c->r, 8);
	int on = one_in(&c->r, 2), ret;

	if (nonblock)
		command = FIONBIO;
	else if (!(command & 0xff00) || strchr("TfXrS\022\024\224", command >> 8 & 0xff))
		command = (command & ~0xff00u) | 's' << 8;
	begin(c, "ioctl(slot %u, %#x)", i, command);
	allow_slot(c, i, -1);
	allow(c, ENOTTY, !nonblock);
	ret = ioctl(SLOT_FD + i, command, &on);
	if (!ret && c->slots[i].nonblock != UNSURE)
		c->slots[i].nonblock = on;
	end(c, IOCTL, ret, nonblock);
}

static void any_mmap(struct caller *c)
{
	unsigned int i = any_slot(c);
	size_t len = one_in(&c->r, 2) ? 4096 : rng(&c->r) >> rng_below(&c->r, 64);
	int prot = rng_below(&c->r, 8), flags = 1 + rng_below(&c->r, 3);
	off_t at = one_in(&c->r, 2) ? 0 : any_offset(c);
	void *p;

	begin(c, "mmap(%zu, %#x, %#x, slot %u, %ld)", len, prot, flags, i, at);
	allow_slot(c, i, O_RDONLY);
	allow(c, ENODEV, true);
	allow(c, EACCES, true);
	allow(c, EPERM, prot & PROT_EXEC);
	allow(c, EINVAL, !len || at % 4096 || at < 0);
	allow(c, ENOMEM, len > 1l << 30);
	allow(c, EOVERFLOW, at > INT_MAX || len > 1l << 40);
	allow(c, EOPNOTSUPP, flags == MAP_SHARED_VALIDATE);
	p = mmap(NULL, len, prot, flags, SLOT_FD + i, at);
	end(c, MMAP, p == MAP_FAILED ? -1 : 0, false);
}

static unsigned int own_slot(struct caller *c)
{
	return NR_SHARED + rng_below(&c->r, NR_SLOTS - NR_SHARED);
}

static void any_open(struct caller *c)
{
	static const int extra[] = {
		O_NONBLOCK, O_APPEND, O_TRUNC, O_CREAT, O_EXCL, O_DIRECT, O_DIRECTORY, O_PATH,
		O_NOATIME, O_SYNC, O_ASYNC, O_NOCTTY, O_NOFOLLOW,
	};
	unsigned int i = own_slot(c), nr = one_in(&c->r, 2) ? 0 : rng_below(&c->r, 4);
	int flags = one_in(&c->r, 4) ? rng_below(&c->r, 4) : O_RDWR, fd;

	if (one_in(&c->r, 3))
		flags |= O_NONBLOCK;
	while (nr--)
		flags |= extra[rng_below(&c->r, 13)];
	if (c->unbinding)
		flags &= ~O_CREAT;	/* would make a file while the node is gone */
	begin(c, "open(slot %u, %#x)", i, flags);
	allow(c, ENODEV, c->unbinding);
	allow(c, ENXIO, c->unbinding);
	allow(c, ENOENT, c->unbinding);
	allow(c, EINVAL, flags & O_DIRECT || (flags & O_CREAT && flags & O_DIRECTORY));
	allow(c, EEXIST, flags & O_CREAT && flags & O_EXCL);
	allow(c, ENOTDIR, flags & O_DIRECTORY);
	allow(c, EISDIR, flags & O_CREAT && flags & O_DIRECTORY);
	fd = open_node(slot_device(c, i), slot_is_ctl(i), flags);
	end(c, OPEN, fd, flags & O_PATH || !(flags & (O_DIRECT | O_DIRECTORY)));
	if (fd < 0)
		return;
	dup3(fd, SLOT_FD + i, O_CLOEXEC);
	close(fd);
	c->slots[i] =
		(struct slot){ true, flags & O_PATH, flags & O_ACCMODE, !!(flags & O_NONBLOCK) };
}

static void any_close(struct caller *c)
{
	unsigned int i = own_slot(c);

	begin(c, "close(slot %u)", i);
	allow(c, EBADF, c->threads || !c->slots[i].open);
	end(c, CLOSE, close(SLOT_FD + i), true);
	c->slots[i].open = false;
}

static void any_dup(struct caller *c)
{
	unsigned int to = own_slot(c), from = (any_slot(c) & ~3u) | (to & 3);
	int ret;

	begin(c, "dup3(slot %u, slot %u)", from, to);
	allow(c, EBADF, c->threads || !c->slots[from].open);
	allow(c, EINVAL, from == to);
	ret = dup3(SLOT_FD + from, SLOT_FD + to, O_CLOEXEC);
	end(c, DUP, ret, ret == SLOT_FD + to);
	if (ret < 0)
		return;
	c->slots[from].nonblock = UNSURE;
	c->slots[to] = c->slots[from];
}

static void any_setfl(struct caller *c)
{
	unsigned int i = any_slot(c);
	int flags = one_in(&c->r, 2) ? O_NONBLOCK : 0, ret;

	if (one_in(&c->r, 4))
		flags |= rng(&c->r) &
			 (O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_CREAT | O_ACCMODE);
	begin(c, "fcntl(slot %u, F_SETFL, %#x)", i, flags);
	allow_slot(c, i, -1);
	allow(c, EINVAL, flags & O_DIRECT);
	ret = fcntl(SLOT_FD + i, F_SETFL, flags);
	end(c, SETFL, ret, !(flags & O_DIRECT));
	if (!ret && c->slots[i].nonblock != UNSURE)
		c->slots[i].nonblock = !!(flags & O_NONBLOCK);
}

static void any_fcntl(struct caller *c)
{
	static const int known[] = {
		F_GETFL, F_GETFD, F_GETOWN, F_GETSIG, F_GETLK, F_SETLK, F_GETLEASE, F_SETLEASE,
		F_NOTIFY, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS,
	};
	unsigned int i = any_slot(c);
	int command = one_in(&c->r, 4) ? 2000 + rng_below(&c->r, INT_MAX / 2) :
					 known[rng_below(&c->r, 13)];
	struct flock lock = { .l_type = rng_below(&c->r, 4), .l_whence = rng_below(&c->r, 4),
			      .l_start = any_offset(c), .l_len = any_offset(c) };
	unsigned long arg = command == F_GETLK || command == F_SETLK ? (unsigned long)&lock :
		rng_below(&c->r, 5);

	begin(c, "fcntl(slot %u, %d, %#lx)", i, command, arg);
	allow(c, EBADF, true);
	allow(c, EINVAL, true);
	allow(c, EAGAIN, command == F_SETLK);
	allow(c, EOVERFLOW, command == F_SETLK || command == F_GETLK);
	allow(c, EACCES, command == F_SETLEASE);
	allow(c, ENOTDIR, command == F_NOTIFY);
	allow(c, EPERM, command == F_ADD_SEALS);
	end(c, FCNTL, fcntl(SLOT_FD + i, command, arg), command < 2000);
}

/* What a read may get besides: how earlier requests ended. */
static void allow_result(struct caller *c, unsigned int i)
{
	allow_request(c, i);
	allow(c, EIO, true);
	allow(c, ETIMEDOUT, true);
	c->allowed[ENOBUFS] = false;
}

/* From the data node to a pipe, or from there; not with the control node. */
static void any_splice(struct caller *c)
{
	unsigned int i = one_in(&c->r, 4) ? any_slot(c) : slot_of(c, false);
	size_t len = 1 + rng_below(&c->r, 9000), there = 1 + rng_below(&c->r, 9000);
	bool from = one_in(&c->r, 2);
	int pipes[2] = { -1, -1 };
	ssize_t ret;

	if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC) || write(pipes[1], c->arena, there) != there)
		die("pipe: %m");
	begin(c, "splice(%sslot %u %s, %zu), %zu in the pipe", slot_is_ctl(i) ? "ctl " : "", i,
	      from ? "from" : "to", len, there);
	allow_slot(c, i, from ? O_RDONLY : O_WRONLY);
	if (slot_is_ctl(i))
		allow(c, EINVAL, true);
	else if (from)
		allow_result(c, i);
	else
		allow_request(c, i);
	allow(c, EINVAL, c->threads || c->slots[i].open);	/* O_APPEND */
	ret = from ? splice(SLOT_FD + i, NULL, pipes[1], NULL, len, SPLICE_F_NONBLOCK) :
		splice(pipes[0], NULL, SLOT_FD + i, NULL, len, SPLICE_F_NONBLOCK);
	end(c, from ? SPLICE_IN : SPLICE_OUT, ret,
	    !slot_is_ctl(i) && ret <= len && (from || (ret && ret <= there)));
	close(pipes[0]);
	close(pipes[1]);
}

/* From a file; a stream is none to sendfile(). */
static void any_sendfile(struct caller *c)
{
	unsigned int from = any_slot(c), to = any_slot(c);
	bool file = !one_in(&c->r, 4);
	size_t len = 1 + rng_below(&c->r, 9000), there = rng_below(&c->r, 9000);
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	ssize_t ret;

	if (fd < 0 || ftruncate(fd, there))
		die("memfd: %m");
	begin(c, "sendfile(%sslot %u, %s %u, %zu)", slot_is_ctl(to) ? "ctl " : "", to,
	      file ? "file of" : "slot", file ? (unsigned int)there : from, len);
	if (!file)
		allow_slot(c, from, O_RDONLY);
	allow_slot(c, to, O_WRONLY);
	if (file && !slot_is_ctl(to))
		allow_request(c, to);
	allow(c, EINVAL, !file || slot_is_ctl(to) || c->threads || c->slots[to].open);
	ret = sendfile(SLOT_FD + to, file ? fd : SLOT_FD + from, NULL, len);
	end(c, SENDFILE, ret, file && ret <= len && ret <= there && (!ret || !slot_is_ctl(to)));
	close(fd);
}

/* Waits for all requests of the file; none of them can be read, so it tells of errors. */
static void any_fsync(struct caller *c)
{
	unsigned int i = any_slot(c);

	begin(c, "fsync(%sslot %u)", slot_is_ctl(i) ? "ctl " : "", i);
	allow_slot(c, i, -1);
	allow(c, EINVAL, slot_is_ctl(i));
	allow(c, EIO, !slot_is_ctl(i));
	allow(c, ETIMEDOUT, !slot_is_ctl(i));
	end(c, FSYNC, one_in(&c->r, 2) ? fsync(SLOT_FD + i) : fdatasync(SLOT_FD + i),
	    !slot_is_ctl(i));
}

/* Asynchronous requests, of which one caller has as many as it likes under way */

static void aio_allow(struct caller *c, enum op which, unsigned int i, const struct buffer *b)
{
	allow(c, ENODEV, c->unbinding);
	allow(c, EFAULT, b->avail < b->len || b->wild);
	allow(c, EMSGSIZE, b->len > MAX_REQUEST);
	allow(c, EINVAL, which == AIO_SYNC || b->wild);
	if (which == AIO_WRITE || which == AIO_SYNC)
		allow_request(c, i);
	else
		allow_result(c, i);
	/* Its own, even on a file with O_NONBLOCK. */
	allow(c, EIO, true);
	allow(c, ETIMEDOUT, true);
	c->allowed[EINTR] = false;	/* to no living program */
}

/* An event: what its operation, whose number is in it, may end with. */
static void aio_event(struct caller *c, const struct io_event *event)
{
	struct flight *flight = &c->flights[event->data];
	long ret = event->res;

	memcpy(c->allowed, flight->allowed, sizeof(c->allowed));
	snprintf(c->worker->now, sizeof(c->worker->now), "%s, slot %u, %zu bytes",
		 op_names[flight->which], flight->slot, flight->len);
	if (ret < 0)
		errno = -ret;
	end(c, flight->which, ret < 0 ? -1 : ret,
	    flight->which == AIO_WRITE ? ret == flight->len :
	    flight->which == AIO_READ ? ret <= flight->len && ret <= MAX_REQUEST :
	    flight->which == AIO_SYNC ? !ret : true);
	flight->busy = false;
}

/* Take the events that are there, or forget those that never come. */
static void aio_collect(struct caller *c)
{
	struct timespec timeout = { 0, rng_below(&c->r, 20) * 1000000 };
	struct io_event events[MAX_FLIGHTS];
	int nr, i;

	begin(c, "io_getevents");
	nr = aio_wait(c->aio, one_in(&c->r, 2), MAX_FLIGHTS, events, &timeout);
	for (i = 0; i < nr; i++)
		aio_event(c, &events[i]);
	if (one_in(&c->r, 10)) {
		aio_close(c->aio);
		c->aio = 0;
		memset(c->flights, 0, sizeof(c->flights));
	}
}

static void any_aio(struct caller *c)
{
	static const enum op kinds[] = { AIO_WRITE, AIO_WRITE, AIO_READ, AIO_SYNC, AIO_POLL };
	static const unsigned int opcodes[] = {
		[AIO_WRITE] = IOCB_CMD_PWRITE, [AIO_READ] = IOCB_CMD_PREAD,
		[AIO_SYNC] = IOCB_CMD_FSYNC, [AIO_POLL] = IOCB_CMD_POLL,
	};
	unsigned int i = one_in(&c->r, 16) ? any_slot(c) : slot_of(c, false), n;
	enum op which = kinds[rng_below(&c->r, ARRAY_SIZE(kinds))];
	struct buffer b = any_buffer(c, one_in(&c->r, 4) ? 5000 : 100);
	struct flight *flight;
	int err;

	if (!c->aio)
		c->aio = aio_open(MAX_FLIGHTS);
	for (n = 0; n < MAX_FLIGHTS && c->flights[n].busy; n++)
		;
	if (!c->aio || n == MAX_FLIGHTS || one_in(&c->r, 4)) {
		if (c->aio)
			aio_collect(c);
		return;
	}
	if (which == AIO_SYNC || which == AIO_POLL)
		b = (struct buffer){ .p = which == AIO_POLL ? (void *)POLLIN : NULL };
	flight = &c->flights[n];
	*flight = (struct flight){ .busy = true, .which = which, .slot = i, .len = b.len };
	begin(c, "%s, slot %u, %zu bytes", op_names[which], i, b.len);
	aio_allow(c, which, i, &b);
	memcpy(flight->allowed, c->allowed, sizeof(c->allowed));
	allow_slot(c, i, which == AIO_WRITE ? O_WRONLY : which == AIO_READ ? O_RDONLY : -1);
	allow(c, EINVAL, slot_is_ctl(i) || b.wild || c->threads || c->slots[i].open);
	allow(c, EAGAIN, true);		/* no event is free */
	err = aio_submit(c->aio, SLOT_FD + i, opcodes[which], b.p, b.len, n);
	if (err) {
		flight->busy = false;
		errno = err;
	}
	end(c, AIO_SUBMIT, err ? -1 : 0, true);
}

static void any_ftruncate(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t len = any_offset(c);

	begin(c, "ftruncate(slot %u, %ld)", i, len);
	allow_slot(c, i, -1);
	allow(c, EINVAL, true);
	end(c, FTRUNCATE, ftruncate(SLOT_FD + i, len), false);
}

static void any_fallocate(struct caller *c)
{
	unsigned int i = any_slot(c);
	off_t at = any_offset(c), len = any_offset(c);
	int mode = one_in(&c->r, 2) ? 0 : rng(&c->r);

	begin(c, "fallocate(slot %u, %#x, %ld, %ld)", i, mode, at, len);
	allow_slot(c, i, O_WRONLY);
	allow(c, ENODEV, true);
	allow(c, EINVAL, at < 0 || len <= 0 || mode);
	allow(c, EOPNOTSUPP, mode);
	allow(c, EPERM, mode || c->threads || c->slots[i].open);	/* O_APPEND and such */
	end(c, FALLOCATE, fallocate(SLOT_FD + i, mode, at, len), false);
}

static void allow_gone(struct caller *c)
{
	allow(c, ENODEV, c->unbinding);
	allow(c, ENOENT, c->unbinding);
}

static void attr_read(struct caller *c)
{
	const struct attr *attr = &attrs[rng_below(&c->r, NR_ATTRS)];
	unsigned int device = c->first + rng_below(&c->r, 2);
	struct buffer b = any_buffer(c, 40);
	off_t at = one_in(&c->r, 2) ? 0 : any_offset(c);
	ssize_t ret;
	int fd;

	begin(c, "pread(%s of %u, %p, %zu, %ld), %zu writable", attr->name, device, b.p, b.len, at,
	      b.avail);
	allow_gone(c);
	allow_wild(c, b.wild);
	allow(c, EFAULT, b.avail < b.len);
	allow(c, EINVAL, at < 0 || at > LONG_MAX - ARENA);
	allow(c, EOVERFLOW, at > LONG_MAX - ARENA);
	fd = open_attr(device, attr->name, O_RDONLY);
	ret = fd < 0 ? -1 : pread(fd, b.p, b.len, at);
	end(c, ATTR_READ, ret, ret <= b.avail && ret <= 4096);
	close(fd);
}

/* Time-outs stay short here, or a device that hangs would do so to the end. */
static void attr_write(struct caller *c)
{
	static __thread char text[6200];
	unsigned int i = one_in(&c->r, 4) ? rng_below(&c->r, NR_ATTRS) :
					    rng_below(&c->r, NR_SETTINGS);
	unsigned int device = c->first + rng_below(&c->r, 2), value = 0;
	const struct attr *attr = &attrs[i];
	size_t len = put_setting(&c->r, text);
	int fd, err;
	ssize_t ret;

	err = len ? judge_attr(attr, (uint8_t *)text, len, &value) : 0;
	if (!err && value > 2)
		len = sprintf(text, "%u", 1 + rng_below(&c->r, 2));
	begin(c, "write(%s of %u, '%s', %zu)", attr->name, device, quoted((uint8_t *)text, len),
	      len);
	allow_gone(c);
	if (i >= NR_SETTINGS)
		allow(c, EACCES, true);
	else
		allow(c, err, err);
	fd = open_attr(device, attr->name, O_WRONLY);
	ret = fd < 0 ? -1 : write(fd, text, len);
	end(c, ATTR_WRITE, ret, i < NR_SETTINGS && !err && ret == (len < 4096 ? len : 4096));
	close(fd);
}

/* The engine's parameter; numbers with a base. */
static void budget_write(struct caller *c)
{
	static __thread char text[6200];
	size_t len = put_setting(&c->r, text);
	int fd = open("/sys/module/iotimer/parameters/budget_us", O_RDWR | O_CLOEXEC);

	begin(c, "write(budget_us, %zu)", len);
	allow(c, EINVAL, true);
	allow(c, ERANGE, true);
	end(c, BUDGET, write(fd, text, len),
	    len == 0 || (text[0] >= '0' && text[0] <= '9') || text[0] == '+');
	close(fd);
}

/* Names that are none; the binders do the others. */
static void bind_write(struct caller *c)
{
	static const char *const names[] = {
		"sim_dev", "sim_dev.", "sim_dev.01", "sim_dev.999", "sim_dev.1 ", " sim_dev.1",
		"sim_dev.-1", "SIM_DEV.1", "sim_dev.1\n\n", "serial8250", "\n", "..", "%s%s%n",
	};
	bool bind = one_in(&c->r, 2);
	char text[200], path[128];
	ssize_t ret;
	size_t len;
	int fd;

	if (one_in(&c->r, 2))
		len = put_noise(&c->r, text, sizeof(text));
	else
		len = sprintf(text, "%s",
			      bind && one_in(&c->r, 3) ? "sim_dev.0" :
							 names[rng_below(&c->r, 13)]);
	begin(c, "%s, %zu bytes", bind ? "bind" : "unbind", len);
	allow(c, ENODEV, true);
	allow(c, EBUSY, bind);
	snprintf(path, sizeof(path), DRIVER "%s", bind ? "bind" : "unbind");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? -1 : write(fd, text, len);
	end(c, bind ? BIND : UNBIND, ret, !len);
	close(fd);
}

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

/* A timer that sends this thread signals, so that nothing blocks for ever. */
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

/* Every few milliseconds; for a patient caller, rarely enough for requests to time out. */
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

/* Workers */

static struct worker *new_worker(const char *kind, unsigned int number)
{
	struct worker *worker = &shared->workers[shared->nr_workers++];

	snprintf(worker->name, sizeof(worker->name), "%s %u", kind, number);
	return worker;
}

static pid_t start_process(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Start a worker's process; true there. */
static bool is_child(struct worker *worker)
{
	pid_t pid = start_process();

	if (pid)
		worker->pid = pid;
	return !pid;
}

/* A process of @threads callers on two devices. */
static void start_callers(const char *kind, unsigned int number, unsigned int first,
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

/* Files that all processes of a part share. */
static void open_shared(unsigned int first)
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

/* The control nodes of devices 3 and 4 before they were ever unbound: "revive" works on. */
static int socket_fds[2];

static void put_back(unsigned int device)
{
	if (device == 3 || device == 4)
		if (write(socket_fds[device - 3], "revive", 6) != 6)
			die("device %u cannot be put back: %m", device);
}

/* Undo the callers' faults now and then; some errors where faults are rare. */
static void medic_run(void)
{
	unsigned int device;

	while (!stopped()) {
		alarm(STUCK);
		for (device = 1; device <= 4; device++) {
			put_back(device);
			ctl_command(device, "clear\nrevive\nlatency 1\nreset-latency 1\n%s",
				    device & 1 ? "error 1\n" : "");
			set_attr(device, "timeout", 1);
			set_attr(device, "reset_timeout", 1);
			set_attr(device, "max_retries", device & 1);
		}
		sleep_ms(7);
	}
}

static bool bind_device(unsigned int device, bool bind)
{
	int fd = open(bind ? DRIVER "bind" : DRIVER "unbind", O_WRONLY | O_CLOEXEC);
	char name[16];
	int len = sprintf(name, "sim_dev.%u", device), err;

	err = write(fd, name, len) == len ? 0 : errno;
	close(fd);
	return !err || err == ENODEV || (bind && err == EBUSY);
}

/* Two of them, so that they meet. */
static void binder_run(struct worker *worker, unsigned int number)
{
	uint64_t r = mix(seed, number, 0);
	unsigned int device;
	bool bind;

	while (!stopped()) {
		alarm(STUCK);
		count(&worker->progress, 1);
		device = 3 + rng_below(&r, 2);
		bind = rng_below(&r, 3);
		snprintf(worker->now, sizeof(worker->now), "%sbind %u", bind ? "" : "un", device);
		if (!bind_device(device, bind))
			failure(worker, "undocumented %m");
		else if (bind)
			count(&shared->rebinds, 1);
		sleep_ms(rng_below(&r, 60));
	}
}

/* The flood: which line its device causes, again and again. */
static unsigned int flood_kind(unsigned int device)
{
	static const unsigned int kinds[] = {
		RESET_FAILED, RESET_MISSED, RETRYING, WITHDRAWN, MISSED, RESET_MISSED, RESET_FAILED,
	};

	return kinds[device % 7];
}

/* Ahead of the others, or on a slow machine there is none. */
static void hurry(void)
{
	if (setpriority(PRIO_PROCESS, 0, -15))
		die("priority: %m");
}

/* As many requests as the device takes, or one whose file is closed. */
static void flood_device(struct worker *worker, unsigned int d, int *fd)
{
	if (flood_kind(d) != WITHDRAWN) {
		/* How one ended before, which nobody reads, is told once. */
		while (write(*fd, "flood", 5) == 5 || errno == EIO || errno == ETIMEDOUT)
			;
		if (errno != EAGAIN)
			failure(worker, "device %u: %m", d);
	} else if (!ctl_value(d, "outstanding")) {
		if (write(*fd, "flood", 5) != 5)
			failure(worker, "device %u: %m", d);
		close(*fd);
		*fd = open_node(d, false, O_WRONLY | O_NONBLOCK);
	}
}

static void flood_run(struct worker *worker)
{
	int fds[NR_DEVICES];
	unsigned int d;

	hurry();
	for (d = FIRST_FLOOD; d < NR_DEVICES; d++) {
		set_attr(d, "timeout", 1);
		set_attr(d, "reset_timeout", 1);
		set_attr(d, "max_retries", flood_kind(d) == RETRYING ? 100 : 0);
		ctl_command(d, "%s 1000000\nlatency 1\nreset-latency 1\n%s",
			    flood_kind(d) == MISSED ? "lost" : "hang",
			    flood_kind(d) == RESET_FAILED ? "reset-hang 1000000\n" :
			    flood_kind(d) == RESET_MISSED ? "reset-lost 1000000\n" : "");
		fds[d] = open_node(d, false, O_WRONLY | O_NONBLOCK);
	}
	while (!stopped()) {
		alarm(STUCK);
		count(&worker->progress, 1);
		for (d = FIRST_FLOOD; d < NR_DEVICES; d++)
			flood_device(worker, d, &fds[d]);
		sleep_ms(500);
	}
}

/* What the flood would have logged. */
static void flood_count(void)
{
	unsigned int d;

	for (d = FIRST_FLOOD; d < NR_DEVICES; d++) {
		shared->events[TIMED_OUT] += ctl_value(d, "timeouts");
		switch (flood_kind(d)) {
		case RESET_FAILED:
			shared->events[RESET_FAILED] += ctl_value(d, "reset_failures");
			break;
		case RESET_MISSED:	/* and never retried */
			shared->events[RESET_MISSED] += ctl_value(d, "missed");
			shared->events[GIVING_UP] += ctl_value(d, "failed");
			break;
		case MISSED:
			shared->events[MISSED] += ctl_value(d, "missed");
			break;
		case RETRYING:
			shared->events[RETRYING] += ctl_value(d, "retries");
			break;
		case WITHDRAWN:
			shared->events[WITHDRAWN] += ctl_value(d, "cancelled");
			break;
		}
	}
}

static void log_line(const char *text)
{
	unsigned int i;

	if (!strstr(text, "sim_dev") && !strstr(text, "iotimer"))
		return;
	for (i = SUPPRESSED; i < NR_LOG; i--)	/* from the last: names of functions come first */
		if (strstr(text, log_words[i]))
			break;
	if (i < NR_LOG) {
		count(&shared->logged[i], 1);
	} else {
		count(&shared->log_others, 1);
		printf("    wrong   the kernel logs: %s", text);
		fflush(stdout);
	}
}

static void log_run(int fd)
{
	unsigned long long sequence, next = 0;
	struct pollfd ready = { fd, POLLIN, 0 };
	char record[8192];
	ssize_t len;
	bool last;

	hurry();
	do {
		alarm(STUCK);
		last = stopped();
		poll(&ready, 1, 100);
		while ((len = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
			if (len <= 0)
				continue;
			record[len] = '\0';
			if (sscanf(record, "%*u,%llu", &sequence) == 1) {
				if (next && sequence > next)
					count(&shared->log_lost, sequence - next);
				next = sequence + 1;
			}
			if (strchr(record, ';'))
				log_line(strchr(record, ';') + 1);
		}
	} while (!last);
}

/* The parent */

static unsigned int passed, failed;

static __attribute__((format(printf, 2, 3)))
void check(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		passed++;
	else
		failed++;
	printf("    %s  ", ok ? "ok    " : "FAILED");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static void show_file(pid_t pid, const char *name)
{
	char path[64], text[2048];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	printf("%.*s\n", (int)(len > 0 ? len : 0), text);
	close(fd);
}

/* A worker ended. */
static bool reaped(pid_t pid, int status)
{
	unsigned int i;
	bool good = WIFEXITED(status) && !WEXITSTATUS(status);

	for (i = 0; i < shared->nr_workers; i++) {
		if (shared->workers[i].pid != pid)
			continue;
		shared->workers[i].pid = 0;
		if (!good)
			failure(&shared->workers[i], "its process ended with %s %d%s",
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
				WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": hung" : "");
	}
	return good;
}

/* Wait until the first @nr workers are gone; kill those that do not move. True if none hung. */
static bool watch(unsigned int nr, double began)
{
	unsigned long seen[MAX_WORKERS] = {};
	double since[MAX_WORKERS] = {}, told = now();
	unsigned int i, left;
	bool good = true;
	int status;
	pid_t pid;

	do {
		sleep_ms(200);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			good &= reaped(pid, status);
		for (i = left = 0; i < nr; i++) {
			struct worker *w = &shared->workers[i];

			left += w->pid != 0;
			if (!w->pid || w->progress != seen[i] || !since[i] ||
			    !strcmp(w->now, "done")) {
				seen[i] = w->progress;
				since[i] = now();
			} else if (now() - since[i] > STUCK + 20) {
				failure(w, "hung");
				show_file(w->pid, "stack");
				show_file(w->pid, "status");
				good = false;
				if (now() - since[i] > STUCK + 40) {
					check(false, "%s cannot be killed", w->name);
					printf("%u passed, %u failed\n", passed, failed);
					exit(1);
				}
				kill(w->pid, SIGKILL);
				sleep_ms(5000);
			}
		}
		if (now() - told >= 15) {
			told = now();
			printf("            %.0f s: %lu lines, %lu calls, %lu rebinds, %lu wrong\n",
			       now() - began, shared->lines, shared->calls, shared->rebinds,
			       shared->failures);
			fflush(stdout);
		}
	} while (left);
	return good;
}

static void show_errnos(const char *name, unsigned long all, const unsigned long *errnos)
{
	unsigned int i;

	printf("            %-12s %8lu:  %lu good", name, all, errnos[0]);
	for (i = 1; i < NR_ERRNOS; i++)
		if (errnos[i])
			printf(", %lu %s", errnos[i], strerrorname_np(i));
	printf("\n");
}

static void check_calls(void)
{
	static const struct {
		enum op op;
		int err;
	} wanted[] = {
		{ DATA_WRITE, 0 }, { DATA_WRITE, EMSGSIZE }, { DATA_WRITE, EFAULT },
		{ DATA_WRITE, EINTR }, { DATA_WRITE, EAGAIN }, { DATA_WRITE, EIO },
		{ DATA_WRITE, ENOBUFS }, { DATA_WRITE, ENODEV },
		{ DATA_READ, 0 }, { DATA_READ, EFAULT }, { DATA_READ, EINTR },
		{ DATA_READ, EAGAIN }, { DATA_READ, EIO }, { DATA_READ, ETIMEDOUT },
		{ DATA_READ, ENODEV }, { CTL_WRITE, 0 }, { CTL_WRITE, EINVAL },
		{ CTL_WRITE, ERANGE }, { CTL_WRITE, EMSGSIZE }, { CTL_WRITE, EFAULT },
		{ CTL_WRITE, ENODEV }, { SPLICE_IN, 0 }, { SPLICE_OUT, 0 }, { SENDFILE, 0 },
		{ FSYNC, 0 }, { FSYNC, EINVAL }, { AIO_WRITE, 0 }, { AIO_WRITE, EIO },
		{ AIO_READ, 0 }, { AIO_SYNC, 0 }, { AIO_POLL, 0 }, { ATTR_WRITE, 0 },
		{ ATTR_WRITE, EINVAL }, { ATTR_WRITE, ERANGE }, { ATTR_WRITE, EACCES },
		{ POLL, EINTR },
	};
	unsigned int i, missing = 0;

	for (i = 0; i < NR_OPS; i++) {
		show_errnos(op_names[i], shared->count[i], shared->errnos[i]);
		if (!shared->count[i]) {
			printf("            no %s\n", op_names[i]);
			missing++;
		}
	}
	check(!missing, "every kind of call was made, %lu calls", shared->calls);
	missing = 0;
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (shared->errnos[wanted[i].op][wanted[i].err])
			continue;
		if (wanted[i].err == ETIMEDOUT && shared->errnos[DATA_WRITE][ETIMEDOUT])
			continue;	/* whoever asked first */
		printf("            no %s gave %s\n", op_names[wanted[i].op],
		       strerrorname_np(wanted[i].err));
		missing++;
	}
	if (nr_calls >= 100000)
		check(!missing, "every documented errno was met");
}

/* Ten lines of each kind and one about those left out, in five seconds. */
static void check_log(double elapsed)
{
	unsigned long windows = elapsed / 5 + 1, all = 0;
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++) {
		unsigned long most = (i == RESET_FAILED ? 20 : 10) * windows;

		check(shared->logged[i] && shared->logged[i] <= most,
		      "log: '%s' %lu times in %.0f s, at most %lu", log_words[i], shared->logged[i],
		      elapsed, most);
		check(shared->events[i] > 10 * windows, "    of %lu or more that happened",
		      shared->events[i]);
		all += shared->logged[i];
	}
	all += shared->logged[SUPPRESSED];
	check(all + shared->log_lost <= 11 * windows * NR_CALLSITES,
	      "log: %lu lines of ours, %lu about others left out, at most %lu", all,
	      shared->logged[SUPPRESSED], 11 * windows * NR_CALLSITES);
	check(!shared->log_others, "log: none but those that the README has");
	check(!shared->log_lost, "log: %lu lines lost", shared->log_lost);
}

/* All devices work, and their books balance. */
static void check_devices(void)
{
	unsigned int d, i, good = 0;
	uint64_t ends;
	int fd;

	for (d = 0; d < NR_DEVICES; d++) {
		put_back(d);
		bind_device(d, true);
		set_attr(d, "timeout", 1);
		set_attr(d, "max_retries", 0);
		ctl_command(d, "clear\nrevive\nlatency 1\nreset-latency 1\n");
	}
	for (d = 0; d < NR_DEVICES; d++) {
		for (i = 0; i < 1000 && ctl_value(d, "outstanding"); i++)
			sleep_ms(100);
		fd = open_node(d, false, O_RDWR);
		if (write(fd, "works", 5) == 5) {
			ends = ctl_value(d, "completed") + ctl_value(d, "failed") +
			       ctl_value(d, "cancelled");
			good += ctl_value(d, "submitted") == ends && !ctl_value(d, "outstanding");
		}
		close(fd);
	}
	check(good == NR_DEVICES,
	      "%u of %u devices work afterwards, submitted = completed + failed + cancelled", good,
	      NR_DEVICES);
}

static void unload(void)
{
	int fd;

	close(socket_fds[0]);
	close(socket_fds[1]);
	fd = open("/sys/module/iotimer/parameters/budget_us", O_WRONLY);

	check(write(fd, "200", 3) == 3, "the budget can be set back");
	close(fd);
	check(!syscall(SYS_delete_module, "sim_dev", O_NONBLOCK) &&
	      !syscall(SYS_delete_module, "iotimer", O_NONBLOCK), "both modules unload");
}

static void run(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	double began = now(), elapsed;
	struct worker *worker;
	unsigned int number = 1, nr, i;
	bool good;

	lseek(log, 0, SEEK_END);
	if (!start_process()) {
		log_run(log);
		exit(0);
	}
	worker = new_worker("oracle", 0);
	if (is_child(worker)) {
		oracle_run(worker);
		exit(0);
	}
	for (i = 0; i < 2; i++) {
		socket_fds[i] = open_node(3 + i, true, O_WRONLY);
		if (socket_fds[i] < 0)
			die("device %u: %m", 3 + i);
	}
	/* 3 + 6 callers on devices 1 and 2, 1 + 3 where these are unbound, 2 patient ones */
	open_shared(1);
	for (i = 0; i < 4; i++, number++)
		start_callers("calls", number, 1, 1, i ? nr_calls / 12 : nr_calls / 200);
	for (i = 0; i < 2; i++, number += 3)
		start_callers("calls", number, 1, 3, nr_calls / 12);
	open_shared(3);
	for (i = 0; i < 2; i++, number++)
		start_callers("unbind", number, 3, 1, i ? nr_calls / 12 : nr_calls / 200);
	start_callers("unbind", number, 3, 3, nr_calls / 12);
	number += 3;
	for (i = 0; i < NR_SHARED; i++)
		close(SLOT_FD + i);
	nr = shared->nr_workers;

	for (i = 0; i < 2; i++, number++) {
		worker = new_worker("binder", number);
		if (is_child(worker)) {
			binder_run(worker, number);
			exit(0);
		}
	}
	worker = new_worker("flood", number);
	if (is_child(worker)) {
		flood_run(worker);
		exit(0);
	}
	if (!start_process()) {
		medic_run();
		exit(0);
	}

	good = watch(nr, began);
	while (now() - began < SHORTEST)
		sleep_ms(100);
	flood_count();
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	elapsed = now() - began;
	good &= watch(shared->nr_workers, began);
	while (waitpid(-1, NULL, 0) > 0)
		;
	check(good, "each process ended, %u workers in %.0f s", shared->nr_workers, now() - began);

	show_errnos("line", shared->lines, shared->line_errnos);
	check(shared->lines >= nr_lines, "%lu lines judged, %lu times the whole control node",
	      shared->lines, shared->samples);
	check(shared->calls >= nr_calls, "%lu calls, seed %llu", shared->calls,
	      (unsigned long long)seed);
	check_calls();
	check(shared->rebinds > 0, "devices were bound again %lu times", shared->rebinds);
	check_log(elapsed + 1);
	check_devices();
	check(!shared->failures, "%lu wrong returns", shared->failures);
	unload();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: fuzz SEED LINES CALLS");
	seed = strtoull(argv[1], NULL, 0);
	nr_lines = strtoul(argv[2], NULL, 0);
	nr_calls = strtoul(argv[3], NULL, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		die("no memory: %m");
	run();
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
