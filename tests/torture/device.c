// SPDX-License-Identifier: GPL-2.0-only
/*
 * device - everything at once, each request accounted for exactly once
 *
 * Runs as root in a guest with sim_dev.ko devices=6 queue_depth=8, and with one slot
 * and no aborts, or with several slots and abort_timeout=1. Variables of the
 * environment: LENGTH or SECONDS, or else MINUTES; SEED, WATCHDOG. A process for each
 * device has threads in several roles (device_submit.c, device_other.c, device_rules.c).
 * A thread does one episode after the other: it opens a file, has requests done, checks
 * that each ended as it must, and closes the file. Killers fork processes and kill them.
 *
 * Now and then a device's auditor makes all threads that submit wait between two
 * episodes. Once nothing is outstanding, the driver's statistics must agree with
 * what the clients saw:
 *
 *	submitted	between sure and sure + unsure
 *	completed	between ok and ok + unsure + abandoned
 *	failed		between failed and failed + unsure + abandoned
 *	cancelled	between cancelled and cancelled + unsure + abandoned
 *
 * A call is unsure if nobody saw its result, because its process was killed. A
 * request is abandoned if its file was closed first. A write that a signal ended was
 * not submitted, since it waited for room. Device 1's queue never fills, so no signal
 * ends a write there. Devices 0, 1 and 2 have nothing unsure or abandoned, so their
 * figures must be equal: on device 2 files are closed and processes killed only while
 * their requests wait behind one that hangs. Devices 4 and 5 are unbound meanwhile,
 * which resets their statistics: there each snapshot must add up by itself. They
 * are also unbound while gone, and then cannot be bound before they are revived.
 * With several slots device 3 cannot abort, and the others stop and start to.
 *
 * Nothing depends on speed, with two exceptions: a thread without progress for WATCHDOG seconds
 * counts as hung, and everything must have been done once in at most twice the length.
 */
#include "device.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "aio.h"

const char * const count_names[] = {
#define X(name, text) text,
	COUNTS(X)
#undef X
};

static const struct plan plans[NR_DEVICES] = {
	{ "exact, queue full", 10, 3, 2, 0, 0, 2, 4, 2, false, false, false, false, false,
	  MAX_RESULTS },
	{ "exact, signals", 3, 1, 0, 0, 0, 1, 0, 1, true, false, false, true, false, 3 },
	{ "exact, cancelled", 0, 0, 0, 0, 0, 1, 0, 0, false, false, true, false, false, 0 },
	{ "killed, closed", 10, 2, 1, 3, 2, 2, 1, 1, true, false, false, false, true, MAX_RESULTS },
	{ "unbound", 6, 3, 2, 1, 1, 3, 1, 1, true, true, false, false, false, MAX_RESULTS },
	{ "unbound", 10, 2, 1, 2, 1, 3, 1, 1, true, true, false, false, false, MAX_RESULTS },
};

struct shared *shared;
unsigned int dev;
const struct plan *plan;
struct ledger *ledger;
bool has_aio;
unsigned int slots;
__thread struct worker *me;
__thread uint64_t luck;
static atomic_uint nr_running;	/* threads of this process, but for the unbinder */
static pthread_barrier_t all_begin;

pthread_t start_thread(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	if (pthread_create(&thread, &attr, fn, arg))
		die("pthread_create: %m");
	pthread_attr_destroy(&attr);
	return thread;
}

/* Auditing */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	unsigned int workers, parked;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 };

/* Between two episodes: wait while the auditor has the gate closed. */
static void pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	if (gate.closed) {
		gate.parked++;
		me->parked = true;
		pthread_cond_broadcast(&gate.changed);
		while (gate.closed)
			pthread_cond_wait(&gate.changed, &gate.lock);
		progress();
		me->parked = false;
		gate.parked--;
	}
	pthread_mutex_unlock(&gate.lock);
}

static void leave_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.workers--;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* Is a statistic between what clients are sure of and what it may be at most? */
static void within(const char *what, unsigned long value, unsigned long low, unsigned long more)
{
	if (value < low || value > low + more)
		die("device %u: %s is %lu, but clients saw %lu, and are unsure of at most %lu",
		    dev, what, value, low, more);
}

/* While nobody submits: compare the device's statistics with the ledger. */
static void audit(struct snapshot *s)
{
	unsigned long unsure, open, ended;

	quiet(s);
	count(AUDITS);
	progress();
	if (plan->unbound)
		return;
	unsure = ledger->unsure;
	open = unsure + ledger->abandoned;
	within("submitted", s->submitted, ledger->sure, unsure);
	within("completed", s->completed, ledger->ok, open);
	within("failed", s->failed, ledger->failed, open);
	within("cancelled", s->cancelled, ledger->cancelled, open);
	/*
	 * After a time-out comes a retry, EIO if the reset failed, or ETIMEDOUT if retries ran
	 * out. With several slots several operations share a reset, or end before their abort.
	 */
	ended = s->retries + s->reset_failures + ledger->timed_out;
	if (plan->signals || plan->hung)
		return;
	if (slots == 1 ? s->timeouts != ended : s->timeouts + charged_innocent(s) < ended)
		die("device %u: %lu time-outs, but %lu retries, %lu reset failures, %lu ETIMEDOUT",
		    dev, s->timeouts, s->retries, s->reset_failures, ledger->timed_out);
}

static void do_audit(void)
{
	struct snapshot s;

	pthread_mutex_lock(&gate.lock);
	gate.closed = true;
	while (gate.parked < gate.workers)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	audit(&s);
	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	doze(below(2) ? 500000 : 5000000);
}

/* Threads */

static const struct role {
	const char *name;
	void (*episode)(void);
	bool submits;		/* waits for audits */
	bool signals;		/* gets signals where the plan has them */
} roles[] = {
	{ "writer", do_write, true, true },
	{ "echo", do_echo, true, true },
	{ "async", do_async, true, false },
	{ "splicer", do_splice, true, true },
	{ "share", do_share, true, false },
	{ "killer", do_kill, true, false },
	{ "closer", do_close, true, false },
	{ "hanger", do_hang, true, false },
	{ "taster", do_taste, true, false },
	{ "poller", do_poll, false, false },
	{ "signaller", do_signal, false, false },
	{ "injector", do_inject, false, false },
	{ "junk writer", do_junk, false, false },
	{ "watcher", do_watch, false, false },
	{ "sysfs", do_sysfs, false, false },
	{ "unbinder", do_unbind, false, false },
	{ "opener", do_open, false, false },
	{ "auditor", do_audit, false, false },
};

struct start {
	const struct role *role;
	struct worker *worker;
	uint64_t seed;
};

static void *work(void *arg)
{
	struct start *start = arg;
	bool unbinds = start->role->episode == do_unbind;

	me = start->worker;
	luck = start->seed;
	pthread_barrier_wait(&all_begin);
	me->tid = syscall(SYS_gettid);
	/* The unbinder ends last: threads that wait for requests need it. */
	while (!atomic_load(&shared->stop) || (unbinds && nr_running)) {
		start->role->episode();
		progress();
		if (start->role->submits)
			pass_gate();
	}
	/* A rule may have left the device dead: then each request that waits would take seconds. */
	if (start->role->episode == do_inject)
		inject("clear\nrevive\n");
	me->ended = true;
	nr_running -= !unbinds;
	if (start->role->submits)
		leave_gate();
	return NULL;
}

static void on_signal(int signal)
{
}

static struct worker *new_worker(void)
{
	return &shared->workers[atomic_fetch_add(&shared->nr_workers, 1)];
}

/* Prepare the threads that the plan has, with their workers; how many. */
static unsigned int plan_threads(struct start *starts, uint64_t seed)
{
	/* as in roles[] */
	const unsigned int numbers[ARRAY_SIZE(roles)] = {
		plan->writers, plan->echoes, plan->asyncs, plan->splicers, plan->shares,
		plan->victims, plan->closers,
		plan->hung, !plan->hung && !plan->unbound,
		plan->pollers, plan->signals, !plan->hung, !plan->hung, 1, 1,
		plan->unbound, 2 * plan->unbound, !plan->unbound,
	};
	unsigned int nr = 0, i, n;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		for (n = 0; n < numbers[i]; n++) {
			struct worker *worker = new_worker();

			starts[nr++] = (struct start){ &roles[i], worker, 0 };
			worker->role = roles[i].name;
			worker->device = dev;
			worker->pid = getpid();
			starts[nr - 1].seed = seed ^ (dev * 1000ull + nr) * 0x2545f4914f6cdd1d;
			gate.workers += roles[i].submits;
			nr_running += roles[i].episode != do_unbind;
		}
	}
	return nr;
}

/* The threads have ended. Clear the faults; the statistics must add up. */
static void end_device(void)
{
	struct snapshot s;

	inject("clear\nrevive\nlatency 0\nreset-latency 0\n");
	audit(&s);
	atomic_fetch_add(&shared->counts[TIMEOUTS], s.timeouts);
	atomic_fetch_add(&shared->counts[RESETS], s.resets);
	atomic_fetch_add(&shared->counts[RESET_FAILURES], s.reset_failures);
	atomic_fetch_add(&shared->counts[RETRIES], s.retries);
	atomic_fetch_add(&shared->counts[CANCELLED], s.cancelled);
	atomic_fetch_add(&shared->counts[LATE], s.late);
	atomic_fetch_add(&shared->counts[SPURIOUS], s.spurious);
	atomic_fetch_add(&shared->counts[MISSED], s.missed);
	atomic_fetch_add(&shared->counts[ABORTS], s.aborts);
	atomic_fetch_add(&shared->counts[INNOCENT], s.innocent);
	note("device %u (%s): %lu submitted = %lu completed + %lu failed + %lu cancelled%s", dev,
	     plan->what, s.submitted, s.completed, s.failed, s.cancelled,
	     plan->unbound ? ", since it was last bound" : "");
	if (!plan->unbound)
		note("device %u, clients: %lu, unsure %lu; %lu, %lu, %lu, unsure or abandoned %lu",
		     dev, ledger->sure, ledger->unsure, ledger->ok, ledger->failed,
		     ledger->cancelled, ledger->unsure + ledger->abandoned);
}

static __attribute__((noreturn)) void run_device(unsigned int device, uint64_t seed)
{
	static struct start starts[MAX_WORKERS];
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	unsigned int nr, i;

	dev = device;
	plan = &plans[device];
	ledger = &shared->ledgers[device];
	sigaction(SIGUSR1, &action, NULL);
	if (plan->only_resets && set_attr(dev, "abort_timeout", 0))
		die("device %u: abort_timeout: %m", dev);

	nr = plan_threads(starts, seed);
	pthread_barrier_init(&all_begin, NULL, nr + 1);
	for (i = 0; i < nr; i++) {
		starts[i].worker->thread = start_thread(work, &starts[i]);
		starts[i].worker->signals = starts[i].role->signals && plan->signals;
	}
	/* If some devices' threads began earlier, the others' would hardly be created. */
	shared->nr_ready++;
	while (shared->nr_ready < NR_DEVICES)
		usleep(10000);
	pthread_barrier_wait(&all_begin);
	for (i = 0; i < nr; i++)
		pthread_join(starts[i].worker->thread, NULL);

	me = starts[0].worker;
	me->ended = false;
	end_device();
	fflush(stdout);
	_exit(0);
}

/* All of them */

static void print_counts(unsigned int seconds)
{
	unsigned int i;

	printf("# %u s:", seconds);
	for (i = 0; i < TIMEOUTS; i++)
		printf("%s %s %lu", i ? "," : "", count_names[i], shared->counts[i]);
	printf("\n");
}

/*
 * Does a thread hang? Called once a second, but less often in a starved guest. So it
 * counts its calls instead of seconds, and ignores threads that have not begun.
 */
static void watchdog(unsigned int limit)
{
	static struct {
		unsigned long progress;
		unsigned int since;
	} last[MAX_WORKERS];
	static unsigned int t;
	unsigned int i;
	bool hangs = false;

	t++;
	for (i = 0; i < shared->nr_workers; i++) {
		struct worker *worker = &shared->workers[i];
		unsigned long at = worker->progress;

		if (!last[i].since || last[i].progress != at || worker->parked ||
		    worker->ended || !worker->tid) {
			last[i].progress = at;
			last[i].since = t;
		} else if (t - last[i].since > limit) {
			note("%s of device %u hangs", worker->role, worker->device);
			note_file("/proc/%u/task/%u/stack", worker->pid, worker->tid);
			note_file("/proc/%u/task/%u/syscall", worker->pid, worker->tid);
			note_file("/dev/sim_dev%u_ctl", worker->device);
			hangs = true;
		}
	}
	if (hangs)
		die("no progress for %u s", limit);
}

/* A variable of the environment. */
static unsigned int number(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* How many slots the devices have. */
static unsigned int nr_slots(void)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), ATTR_PATH, 0, "slots");
	if (get(path, text, sizeof(text)) <= 0)
		die("%s: %m", path);
	return atoi(text);
}

/* Has a device that is never unbound counted any of these? */
static bool happened(const char *statistic)
{
	unsigned int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (!plans[i].unbound && ctl_value(i, statistic))
			return true;
	return false;
}

/* Is it impossible, since the kernel has no asynchronous I/O, or the devices one slot? */
static bool cannot(enum count what)
{
	if (what == ABORTS || what == INNOCENT)
		return slots == 1;
	return !has_aio && (what == ASYNC_OK || what == ASYNC_ERR || what == SYNCED);
}

/* How much has not been done that must have been done at the end? Name it if told so. */
static unsigned int nr_missing(bool tell)
{
	static const char * const statistics[] = {
		"timeouts", "resets", "reset_failures", "retries", "cancelled", "late", "spurious",
		"missed", "aborts", "innocent",
	};
	unsigned int nr = 0, i;

	for (i = 0; i < NR_COUNTS; i++) {
		if (cannot(i) || (i < TIMEOUTS ? shared->counts[i] :
						 happened(statistics[i - TIMEOUTS])))
			continue;
		nr++;
		if (tell)
			note("not yet: %s", count_names[i]);
	}
	return nr;
}

/* A device's process has ended, which is right only after the stop. */
static void check_exit(const pid_t *pids, pid_t pid, int status, unsigned int seconds)
{
	unsigned int i;

	for (i = 0; pids[i] != pid; i++)
		;
	if (status || !shared->stop) {
		print_counts(seconds);
		die("the clients of device %u ended, status %#x", i, status);
	}
}

/*
 * Wait for the devices' processes. Tell them to stop after @seconds, or up to twice as many
 * in a starved guest, where something has not been done yet.
 */
static void watch(const pid_t *pids, unsigned int seconds, unsigned int limit)
{
	unsigned int report = 15, left = NR_DEVICES;
	bool late = false;
	double began = now(), elapsed;
	int status;
	pid_t pid;

	while (left) {
		if (shared->nr_ready < NR_DEVICES)
			began = now();
		pid = waitpid(-1, &status, WNOHANG);
		elapsed = now() - began;
		if (pid < 0)
			die("waitpid: %m");
		if (pid) {
			check_exit(pids, pid, status, elapsed);
			left--;
			continue;
		}
		sleep(1);
		watchdog(limit);
		if (elapsed >= report) {
			print_counts(elapsed);
			report += 15;
		}
		if (elapsed >= seconds && !shared->stop) {
			shared->stop = !nr_missing(!late) || elapsed >= 2 * seconds;
			late = true;
		}
	}
}

int main(void)
{
	unsigned int seconds = number("LENGTH", number("SECONDS", 60 * number("MINUTES", 1)));
	unsigned int limit = number("WATCHDOG", 300), zeros = 0, i;
	unsigned long long seed = number("SEED", time(NULL) ^ getpid());
	pid_t pids[NR_DEVICES];
	double began = now();

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = shared_alloc(sizeof(*shared));
	has_aio = aio_open(1);
	slots = nr_slots();
	note("seed %llu, %u s, watchdog %u s, %u slots", seed, seconds, limit, slots);
	for (i = 0; i < NR_DEVICES; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork: %m");
		if (!pids[i])
			run_device(i, seed);
	}
	watch(pids, seconds, limit);

	for (i = 0; i < NR_COUNTS; i++) {
		note("%12lu  %s", shared->counts[i], count_names[i]);
		if (!shared->counts[i] && !cannot(i)) {
			note("wrong: none of these: %s", count_names[i]);
			zeros++;
		}
	}
	note("%.0f s, seed %llu: %lu requests, each accounted for", now() - began, seed,
	     shared->counts[WRITE_OK] + shared->counts[QUEUED]);
	return zeros > 0;
}
