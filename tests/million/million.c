// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million requests: every one accounted for, under all faults.
 *
 *	million DEVICES SLOTS REQUESTS SEED
 *
 * Each device has a conductor: a process that runs epoch after epoch until the
 * device's share of the requests is submitted (conductor.c). For an epoch it sets
 * the device up, forks clients (client.c), waits for them and for the device to
 * become idle, and compares what the clients counted with the device's
 * statistics. Epochs of these kinds come in random order, each as often as the
 * conductor's deck has it:
 *
 *	plan	faults are pending from the start; a model (model.c) says how many
 *		requests end how, and if there is one client, which
 *	dead	the device is dead, or gone: each request fails with EIO
 *	full	the queue and a file's results are filled: EAGAIN and ENOBUFS
 *		come exactly then
 *	signal	as plan, but clients get signals all the time, and are stopped and
 *		continued. EINTR means that a write waited for room and
 *		submitted nothing; with SA_RESTART there is no EINTR
 *	close	files are closed while requests are outstanding
 *	leave	files are closed when all requests are done, but unread
 *	kill	the clients are killed while they wait
 *	calm	the conductor injects faults while clients work. They read all
 *		results, so the sums per errno must match
 *	wild	as calm, but clients get signals and close files as well
 *
 * If the devices have several slots, no model could say in which order operations begin.
 * There the epochs are of these kinds, under rules by which faults strike (rules.c):
 *
 *	rules	a request's size decides how the request ends, as some rules say; other
 *		rules change nothing but when. So each request has to end in one way
 *	tempest	rules for everything. A request of some sizes cannot succeed, or not
 *		with its own data; any may fail. Clients as in wild
 *
 * When an interrupt is lost the driver polls the device, completes the request and
 * counts it as missed. In a plan, where no other interrupt can show the driver the
 * cause first, exactly the lost ones are missed; elsewhere no more than that.
 *
 * A client keeps what it submitted and has not read, so it knows what each read()
 * must return. Each eight bytes of a request name its device, client and number.
 *
 * The seed decides the epochs, the faults that they start with, who submits how many
 * requests of which sizes, and what is predicted; the checksum is over those. The
 * seed does not decide the order of events: in virtual time too, QEMU starts its
 * guest some nanoseconds earlier or later, and no two runs are quite the same.
 */
#include "million.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ktap.h"

const char *const count_name[NR_COUNTS] = {
	"submitted", "completed", "failed", "cancelled", "timeouts", "resets",
	"reset_failures", "retries", "late", "spurious", "missed", "aborts", "innocent",
	"closed unread",
	"EIO after an error", "EIO after a failed reset", "EIO after either", "EIO",
	"ETIMEDOUT", "EINTR", "EAGAIN", "ENOBUFS", "files closed in use",
	"clients killed", "results read in pieces", "asynchronous requests", "fsyncs",
	"signals", "clients stopped and continued", "interrupts lost",
	"interrupts of resets lost", "duplicates", "interrupts in storms", "devices gone for a while",
	"operations struck in the last slot", "results with a wrong bit", "results too short",
};

struct shared *shared;
unsigned long long requests;
unsigned int slots;
char where[320];

/* Wait for the conductors. If one fails, end the others. */
static bool all_well(const pid_t *pid, unsigned int devices)
{
	unsigned int i;
	int status;

	while (wait(&status) > 0) {
		if (!status)
			continue;
		for (i = 0; i < devices; i++)
			kill(pid[i], SIGKILL);
		while (wait(NULL) > 0)
			;
		return false;
	}
	return true;
}

/* Does none of these happen, since the devices have several slots, or one? */
static bool is_left_out(enum count what)
{
	static const enum count with_slots[] = {
		CANCELLED, EIO_ERROR, EIO_RESET, ENOBUFS_SEEN, EAGAIN_SEEN, EINTR_SEEN, KILLED,
		STOPPED,
	}, with_one[] = { ABORTS, INNOCENT, LAST_SLOT, CORRUPTED, SHORTENED };
	const enum count *list = slots > 1 ? with_slots : with_one;
	unsigned int nr = slots > 1 ? ARRAY_SIZE(with_slots) : ARRAY_SIZE(with_one), i;

	for (i = 0; i < nr; i++)
		if (list[i] == what)
			return true;
	return false;
}

/* Compare the devices' statistics with the totals of their clients; none may be 0. */
static void final_checks(unsigned int devices)
{
	unsigned long long stats[NR_STATS], all[NR_COUNTS] = {}, sum = 0;
	unsigned int device, i;

	for (device = 0; device < devices; device++) {
		const struct tally *total = &shared->total[device];
		const unsigned long long *n = total->n;

		read_stats(device, stats);
		for (i = 0; i < NR_COUNTS; i++)
			all[i] += i < NR_STATS ? stats[i] : n[i];
		sum = hash(sum, total->sum);
		check(stats[SUBMITTED] == stats[COMPLETED] + stats[FAILED] + stats[CANCELLED] &&
		      stats[SUBMITTED] == n[SUBMITTED] &&
		      n[SUBMITTED] == n[COMPLETED] + n[FAILED] + n[CANCELLED] + n[UNREAD],
		      "device %u: %llu = %llu completed + %llu failed + %llu cancelled",
		      device, stats[SUBMITTED], stats[COMPLETED], stats[FAILED],
		      stats[CANCELLED]);
	}
	check(all[SUBMITTED] == requests, "%llu requests submitted", all[SUBMITTED]);
	for (i = 1; i < NR_COUNTS; i++)
		if (!is_left_out(i))
			check(all[i] > requests / (slots > 1 ? 100000 : 20000), "%s: %llu",
			      count_name[i], all[i]);
	note("checksum %016llx", sum);
}

int main(int argc, char **argv)
{
	unsigned int devices, left_out, i;
	pid_t pid[MAX_DEVICES];
	uint64_t random;

	if (argc != 5)
		die("usage: million DEVICES SLOTS REQUESTS SEED");
	setvbuf(stdout, NULL, _IOLBF, 0);
	devices = atoi(argv[1]);
	slots = atoi(argv[2]);
	requests = strtoull(argv[3], NULL, 10);
	random = strtoull(argv[4], NULL, 10);
	if (!devices || devices > MAX_DEVICES || !slots || !requests)
		die("1 to %u devices, and at least 1 slot and 1 request", MAX_DEVICES);
	shared = shared_alloc(sizeof(*shared));
	for (i = 1, left_out = 0; i < NR_COUNTS; i++)
		left_out += is_left_out(i);
	ksft_set_plan(devices + NR_COUNTS - left_out);

	for (i = 0; i < devices; i++) {
		uint64_t own = rng(&random);

		pid[i] = fork();
		if (pid[i] < 0)
			die("fork: %m");
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			conduct(i, requests / devices + (i < requests % devices), own);
		}
	}
	if (all_well(pid, devices))
		final_checks(devices);
	note("%u epochs, %llu requests, %.0f s of virtual time", shared->epochs,
	     shared->submitted, now());
	ksft_finished();
}
