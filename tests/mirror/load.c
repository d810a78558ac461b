// SPDX-License-Identifier: GPL-2.0-only
/*
 * load - requests to /dev/mirror while its legs misbehave, are unbound and bound again
 *
 * load REQUESTS SEED. Several processes write and read. All bytes of a block are the
 * same letter, so a read that mixes two blocks shows. Now and then a process starts a
 * writer and kills it. One more process unbinds legs and binds them again. In the end
 * each request must be in the mirror's statistics, exactly once.
 */
#include "ktap.h"

#include <signal.h>
#include <sys/wait.h>

#define LEGS		3
#define WORKERS		6	/* more than the mirror does at a time */
#define VICTIM_EVERY	100	/* requests of a worker */
#define STATS		"/sys/bus/platform/devices/mirror/stats"

/* What all processes have counted */
struct shared {
	unsigned long good, failed, victims, torn, unexpected;
	unsigned int stop;
};

static struct shared *shared;

#define COUNT(name) __atomic_add_fetch(&shared->name, 1, __ATOMIC_RELAXED)

/* The value of "NAME NUMBER" in the mirror's statistics. */
static unsigned long stat_of(const char *name)
{
	char text[512], pattern[32];
	const char *at;

	text[0] = ' ';
	if (get(STATS, text + 1, sizeof(text) - 1) <= 0)
		die("cannot read %s: %m", STATS);
	snprintf(pattern, sizeof(pattern), " %s ", name);
	at = strstr(text, pattern);
	if (!at)
		die("the mirror has no statistic '%s'", name);
	return strtoul(at + strlen(pattern), NULL, 10);
}

static void write_block(int fd, uint64_t *random)
{
	unsigned int len = rng_below(random, 10) ? 1 + rng_below(random, 64) : MAX_REQUEST;
	char block[MAX_REQUEST];
	ssize_t ret;

	memset(block, 'a' + rng_below(random, 26), len);
	ret = write(fd, block, len);
	if (ret == (ssize_t)len)
		COUNT(good);
	else if (ret < 0 && errno == EIO)
		COUNT(failed);
	else
		COUNT(unexpected);
}

static void read_block(int fd)
{
	char block[MAX_REQUEST];
	ssize_t i, ret = pread(fd, block, sizeof(block), 0);

	if (ret > 0)
		COUNT(good);
	else if (ret < 0 && errno == EIO)
		COUNT(failed);
	else
		COUNT(unexpected);
	for (i = 1; i < ret; i++) {
		if (block[i] != block[0]) {
			COUNT(torn);
			break;
		}
	}
}

/* Start a writer, and kill it soon. */
static void kill_a_writer(int fd, uint64_t *random)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %m");
	if (!pid) {
		if (write(fd, "victim", 1) != 1)
			_exit(1);
		_exit(0);
	}
	COUNT(victims);
	sleep_ms(rng_below(random, 5));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void work(unsigned long requests, uint64_t random)
{
	int fd = open("/dev/mirror", O_RDWR | O_CLOEXEC);
	unsigned long i;

	if (fd < 0)
		die("cannot open the mirror: %m");
	for (i = 0; i < requests; i++) {
		if (i % VICTIM_EVERY == VICTIM_EVERY - 1)
			kill_a_writer(fd, &random);
		if (rng_below(&random, 2))
			write_block(fd, &random);
		else
			read_block(fd);
	}
	_exit(0);
}

/* Unbind a leg, and bind it again some time later, until the workers are done. */
static void unbind_legs(uint64_t random)
{
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		unsigned int leg = rng_below(&random, LEGS);

		sleep_ms(rng_below(&random, 2000));
		if (bind_device(leg, false))
			die("cannot unbind device %u: %m", leg);
		sleep_ms(rng_below(&random, 3000));
		if (bind_device(leg, true))
			die("cannot bind device %u: %m", leg);
	}
	_exit(0);
}

static void inject_faults(unsigned long seed)
{
	static const char *const lines[] = {
		"rule hang chance 1/300", "rule error chance 1/900", "rule lost chance 1/700",
		"rule late 2500 chance 1/1100", "rule short chance 1/1300",
		"rule duplicate chance 1/500", "rule reset-hang chance 1/5",
		"rule abort-hang chance 1/3", "rule reset-lost chance 1/5",
	};
	unsigned int leg, i;

	for (leg = 0; leg < LEGS; leg++) {
		ctl_command(leg, "latency 0-4\nseed %lu\n", seed % 1000000 + leg);
		for (i = 0; i < ARRAY_SIZE(lines); i++)
			if (ctl_command(leg, "%s\n", lines[i]))
				die("device %u does not take '%s'", leg, lines[i]);
	}
}

static void run_workers(unsigned long requests, uint64_t *random)
{
	pid_t binder, worker[WORKERS];
	int i, status;

	binder = fork();
	if (!binder)
		unbind_legs(rng(random));
	for (i = 0; i < WORKERS; i++) {
		uint64_t seed = rng(random);

		worker[i] = fork();
		if (!worker[i])
			work(requests / WORKERS, seed);
	}
	for (i = 0; i < WORKERS; i++) {
		waitpid(worker[i], &status, 0);
		check(status == 0, "worker %d does all its requests", i);
	}
	shared->stop = 1;
	waitpid(binder, &status, 0);
	check(status == 0, "legs are unbound and bound");
}

/* Wait until the legs have given back all late requests. */
static void settle(void)
{
	unsigned int leg, i;

	for (leg = 0; leg < LEGS; leg++)
		ctl_command(leg, "clear\nrevive\n");
	for (leg = 0; leg < LEGS; leg++)
		for (i = 0; i < 6000 && ctl_value(leg, "outstanding"); i++)
			sleep_ms(10);
}

int main(int argc, char **argv)
{
	unsigned long requests = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint64_t random = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long ended, total;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_set_plan(WORKERS + 7);
	shared = shared_alloc(sizeof(*shared));
	if (put("/dev/mirror", "fffff"))
		die("the first write fails: %m");
	COUNT(good);
	inject_faults(random);
	run_workers(requests, &random);
	settle();

	total = requests / WORKERS * WORKERS + 1;
	ended = stat_of("completed") + stat_of("failed");
	note("%lu good, %lu failed, %lu victims", shared->good, shared->failed, shared->victims);
	note_file(STATS);
	check(!shared->unexpected, "requests succeed or fail with EIO");
	check(!shared->torn, "no read mixes two blocks");
	check(shared->good + shared->failed == total, "each request returns");
	check(ended >= total && ended <= total + shared->victims, "each request ended once");
	check(stat_of("submitted") == ended + stat_of("cancelled") && !stat_of("outstanding"),
	      "submitted is completed, failed and cancelled");
	check(stat_of("detached") > LEGS && stat_of("timeouts") && stat_of("late") &&
	      stat_of("rereads") && stat_of("cancelled") && shared->good > total / 2,
	      "legs were detached, sets timed out, and requests were late, read again and cancelled");
	ksft_finished();
}
