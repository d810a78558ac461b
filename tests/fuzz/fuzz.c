// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz: random bytes, lines, system calls and attribute writes.
 *
 *	fuzz SEED LINES CALLS
 *
 * Runs as root in a guest with NR_DEVICES devices. At once, each in processes of
 * its own:
 *
 *	oracle	writes lines to the control node of device 0, and its attributes; each
 *		write is predicted by a second implementation of the grammar
 *		(oracle.c, grammar.c, lines.c)
 *	calls	random system calls on the nodes of devices 1 and 2, by processes
 *		and threads that share files; an errno that sim_dev.4 does not
 *		give for the call with these arguments is a failure (calls*.c)
 *	unbind	the same on devices 3 and 4, which are unbound and bound meanwhile
 *		(medic.c)
 *	flood	devices 8 and up time out without end (flood.c)
 *	log	counts the kernel's lines, whose rate is limited (flood.c)
 *
 * A failure prints the seed, the worker and the number of its call: the call's
 * arguments depend on these alone.
 */
#include "fuzz.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ktap.h"

#define FEW_CALLS	100000	/* of which some kinds and errnos may be missing */
#define SHORTEST	30	/* seconds; the log's rate limit needs some */

uint64_t seed;
unsigned long nr_lines, nr_calls;
unsigned int nr_dev_slots;
struct shared *shared;

/* Count a failure; report the first 40. */
void failure(const struct worker *worker, const char *format, ...)
{
	char text[4000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	count(&shared->failures, 1);
	if (shared->failures <= 40)
		note("wrong: seed %llu, %s, call %lu: %s: %s", (unsigned long long)seed,
		     worker->name, worker->progress, worker->now, text);
}

/* ARENA bytes behind which access faults. */
uint8_t *new_arena(void)
{
	uint8_t *arena = mmap(NULL, ARENA + 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (arena == MAP_FAILED || mprotect(arena + ARENA, 4096, PROT_NONE))
		die("no memory: %m");
	return arena;
}

/* Raise this process's priority, or the flood and its log starve on a slow machine. */
void hurry(void)
{
	if (setpriority(PRIO_PROCESS, 0, -15))
		die("priority: %m");
}

/* Workers */

struct worker *new_worker(const char *kind, unsigned int number)
{
	struct worker *worker = &shared->workers[shared->nr_workers++];

	snprintf(worker->name, sizeof(worker->name), "%s %u", kind, number);
	return worker;
}

/* fork(); the child ends with its parent. */
pid_t start_process(void)
{
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Start a process that does the work of one worker. */
static void start_worker(struct worker *worker, void (*work)(struct worker *worker))
{
	worker->pid = start_process();
	if (worker->pid)
		return;
	work(worker);
	exit(0);
}

/* A binder's random numbers depend on the number in its name. */
static void binder_work(struct worker *worker)
{
	binder_run(worker, atoi(strchr(worker->name, ' ')));
}

/* A process has ended, and so have its workers. True if the exit status was 0. */
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

/* What watch() saw last of a worker */
struct seen {
	unsigned long progress;
	double since;		/* the time of its last progress; 0 at first */
};

/* Has a worker hung? Then report that, and kill it. */
static bool is_hung(struct worker *w, struct seen *seen)
{
	double still = now() - seen->since;

	if (!w->pid || w->progress != seen->progress || !seen->since || !strcmp(w->now, "done")) {
		seen->progress = w->progress;
		seen->since = now();
		return false;
	}
	if (still <= STUCK + 20)
		return false;
	failure(w, "hung");
	note_file("/proc/%d/stack", w->pid);
	note_file("/proc/%d/status", w->pid);
	if (still > STUCK + 40)
		die("%s cannot be killed", w->name);
	kill(w->pid, SIGKILL);
	sleep_ms(5000);
	return true;
}

/* Wait until the first @nr workers have ended. True if all ended well. */
static bool watch(unsigned int nr, double began)
{
	struct seen seen[MAX_WORKERS] = {};
	unsigned int i, left;
	double shown = now();
	bool good = true;
	int status;
	pid_t pid;

	do {
		sleep_ms(200);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			good &= reaped(pid, status);
		for (i = left = 0; i < nr; i++) {
			left += shared->workers[i].pid != 0;
			good &= !is_hung(&shared->workers[i], &seen[i]);
		}
		if (now() - shown >= 15) {
			shown = now();
			note("%.0f s: %lu lines, %lu calls, %lu rebinds, %lu wrong",
			     now() - began, shared->lines, shared->calls, shared->rebinds,
			     shared->failures);
		}
	} while (left);
	return good;
}

/* Checks */

static void show_errnos(const char *name, unsigned long all, const unsigned long *errnos)
{
	unsigned int i;

	printf("# %-12s %8lu:  %lu good", name, all, errnos[0]);
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
		{ CTL_WRITE, ENOENT },
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
			note("no %s", op_names[i]);
			missing++;
		}
	}
	if (nr_calls < FEW_CALLS)
		ksft_test_result_skip("every kind of call was made: too few calls\n");
	else
		check(!missing, "every kind of call was made, %lu calls", shared->calls);
	missing = 0;
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (shared->errnos[wanted[i].op][wanted[i].err])
			continue;
		if (wanted[i].err == ETIMEDOUT && shared->errnos[DATA_WRITE][ETIMEDOUT])
			continue;	/* a write has reported it instead of a read */
		note("no %s gave %s", op_names[wanted[i].op], strerrorname_np(wanted[i].err));
		missing++;
	}
	if (nr_calls < FEW_CALLS)
		ksft_test_result_skip("every documented errno was met: too few calls\n");
	else
		check(!missing, "every documented errno was met");
}

/* The driver logs ten lines of each kind in five seconds, and one about those it suppressed. */
static void check_log(double elapsed)
{
	unsigned long windows = elapsed / 5 + 1, all = 0;
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++) {
		unsigned long most = (i == RESET_FAILED ? 20 : 10) * windows;

		check(shared->logged[i] && shared->logged[i] <= most,
		      "log: '%s' %lu times in %.0f s, at most %lu", log_words[i], shared->logged[i],
		      elapsed, most);
		check(shared->events[i] > 10 * windows, "log: '%s' would be %lu times without a limit",
		      log_words[i], shared->events[i]);
		all += shared->logged[i];
	}
	/* Of several slots: the flood does not provoke these. */
	all += shared->logged[SUPPRESSED] + shared->logged[RESTARTED] + shared->logged[MORE];
	check(all + shared->log_lost <= 11 * windows * (NR_WORDS + 3),
	      "log: %lu lines of ours, %lu of them about suppressed ones, at most %lu", all,
	      shared->logged[SUPPRESSED], 11 * windows * (NR_WORDS + 3));
	check(!shared->log_others, "log: no line that sim_dev.4 does not have");
	check(!shared->log_lost, "log: %lu lines lost", shared->log_lost);
}

/* All devices work, and their statistics add up. */
static void check_devices(void)
{
	unsigned int d, i, good = 0;
	uint64_t ends;
	int fd;

	for (d = 0; d < NR_DEVICES; d++) {
		revive(d);
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
	close_revive_nodes();
	check(!put("/sys/module/iotimer/parameters/budget_us", "200"), "budget_us can be reset");
	check(!syscall(SYS_delete_module, "sim_dev", O_NONBLOCK) &&
	      !syscall(SYS_delete_module, "iotimer", O_NONBLOCK), "both modules unload");
}

/*
 * Start all callers: nine on devices 1 and 2, four on devices 3 and 4, and one patient
 * caller more for each pair of devices. Returns the next worker's number.
 */
static unsigned int start_all_callers(void)
{
	unsigned int number = 1, i;

	open_shared(1);
	for (i = 0; i < 4; i++, number++)
		start_callers("calls", number, 1, 1, i ? nr_calls / 12 : nr_calls / 200);
	for (i = 0; i < 2; i++, number += 3)
		start_callers("calls", number, 1, 3, nr_calls / 12);
	open_shared(3);
	for (i = 0; i < 2; i++, number++)
		start_callers("unbind", number, 3, 1, i ? nr_calls / 12 : nr_calls / 200);
	start_callers("unbind", number, 3, 3, nr_calls / 12);
	close_shared();
	return number + 3;
}

/* Run all workers until oracle and callers are done; the seconds that took. */
static double run(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	double began = now(), elapsed;
	unsigned int number, nr, i;
	bool good;

	lseek(log, 0, SEEK_END);
	if (!start_process()) {
		log_run(log);
		exit(0);
	}
	start_worker(new_worker("oracle", 0), oracle_run);
	open_revive_nodes();
	number = start_all_callers();
	nr = shared->nr_workers;
	for (i = 0; i < 2; i++, number++)
		start_worker(new_worker("binder", number), binder_work);
	start_worker(new_worker("flood", number), flood_run);
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
	return elapsed;
}

static unsigned int module_slots(void)
{
	char text[16];

	if (get("/sys/module/sim_dev/parameters/slots", text, sizeof(text)) <= 0)
		die("sim_dev is not loaded: %m");
	return atoi(text);
}

int main(int argc, char **argv)
{
	double elapsed;

	if (argc != 4)
		die("usage: fuzz SEED LINES CALLS");
	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = strtoull(argv[1], NULL, 0);
	nr_lines = strtoul(argv[2], NULL, 0);
	nr_calls = strtoul(argv[3], NULL, 0);
	nr_dev_slots = module_slots();
	shared = shared_alloc(sizeof(*shared));
	ksft_set_plan(14 + 2 * NR_WORDS);
	elapsed = run();
	show_errnos("line", shared->lines, shared->line_errnos);
	check(shared->line_errnos[ENOENT] && shared->line_errnos[ENOSPC],
	      "there were too many rules %lu times, and none to drop %lu times",
	      shared->line_errnos[ENOSPC], shared->line_errnos[ENOENT]);
	check(shared->lines >= nr_lines,
	      "%lu lines predicted, and %lu times the whole control node", shared->lines,
	      shared->samples);
	check(shared->calls >= nr_calls, "%lu calls, seed %llu", shared->calls,
	      (unsigned long long)seed);
	check_calls();
	check(shared->rebinds > 0, "devices were bound again %lu times", shared->rebinds);
	check_log(elapsed + 1);
	check_devices();
	check(!shared->failures, "%lu wrong returns", shared->failures);
	unload();
	ksft_finished();
}
