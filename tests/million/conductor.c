// SPDX-License-Identifier: GPL-2.0-only
/* A conductor: a process that plans and runs the epochs of a device. */
#include "million.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define UNREST		1000	/* seconds after which a device that is not idle has hung */
#define REST		64	/* requests: a last epoch for fewer is a plan */

static const char *const kind_name[] = {
	"plan", "dead", "full", "signal", "close", "leave", "kill", "calm", "wild", "rules",
	"tempest",
};

void read_stats(unsigned int device, unsigned long long stats[NR_STATS])
{
	unsigned int i;

	for (i = 0; i < NR_STATS; i++)
		stats[i] = ctl_value(device, count_name[i]);
}

void command(const struct epoch *e, const char *format, ...)
{
	char line[128];
	va_list args;
	int err;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	err = ctl_command(e->device, "%s", line);
	if (err)
		die("%s: '%s': %s", where, line, strerror(err));
}

/* Inject a fault that counts; @nr is 0 if the command takes no number. */
static void inject(struct epoch *e, const char *fault, enum count what, unsigned int nr)
{
	if (nr)
		command(e, "%s %u", fault, nr);
	else
		command(e, "%s", fault);
	e->injected[what] += nr ? nr : 1;
}

void set(const struct epoch *e, const char *name, unsigned int value)
{
	int err = set_attr(e->device, name, value);

	if (err)
		die("%s: %s = %u: %s", where, name, value, strerror(err));
}

/* Set the device up as planned. */
static void set_up(struct epoch *e)
{
	const struct plan *plan = &e->plan;

	set(e, "timeout", plan->timeout);
	set(e, "reset_timeout", plan->reset_timeout);
	set(e, "max_retries", plan->max_retries);
	command(e, "latency %u", plan->latency);
	command(e, "reset-latency %u", plan->reset_latency);
	if (slots > 1)
		set_rules(e);
	if (plan->hang)
		command(e, "hang %u", plan->hang);
	if (plan->late)
		command(e, "late %u %u", plan->late_ms, plan->late);
	if (plan->error)
		command(e, "error %u", plan->error);
	if (plan->reset_hang)
		command(e, "reset-hang %u", plan->reset_hang);
	if (plan->lost)
		inject(e, "lost", LOST, plan->lost);
	if (plan->duplicate)
		inject(e, "duplicate", DUPLICATE, plan->duplicate);
	if (plan->reset_lost)
		inject(e, "reset-lost", RESET_LOST, plan->reset_lost);
	if (plan->storm) {		/* the storm ends before the requests begin */
		inject(e, "storm", STORM, plan->storm);
		while (ctl_value(e->device, "pending_storm"))
			sleep_ms(1);
	}
	if (plan->spurious)
		command(e, "spurious %u", plan->spurious);
	if (plan->dead)
		command(e, "dead");
	if (plan->gone)
		inject(e, "gone", GONE, 0);
}

/* Plan the faults whose bits are set. */
static void plan_faults(struct plan *plan, uint64_t *random, unsigned int faults, bool fast)
{
	bool alone;

	if (faults & 1)
		plan->hang = 1 + rng_below(random, 9);
	if (faults & 2) {
		plan->late = 1 + rng_below(random, 4);
		/* Within the time limit, or beyond it: then often during a retry. */
		plan->late_ms = fast ? 1 + rng_below(random, plan->timeout * 1000 - 50) :
				       (plan->timeout + 1) * 1000 + 500 + rng_below(random, 3000);
	}
	if (faults & 4)
		plan->error = 1 + rng_below(random, 30);
	if (faults & 8)
		plan->reset_hang = 1 + rng_below(random, 3);
	if (faults & 16)
		plan->spurious = 1 + rng_below(random, 20);
	/* Another interrupt would show the driver the cause of a lost one. */
	alone = !plan->spurious && (!plan->late || fast);
	if (faults & 32 && alone)
		plan->lost = 1 + rng_below(random, 9);
	if (faults & 64)
		plan->duplicate = 1 + rng_below(random, 30);
	if (faults & 128 && alone)
		plan->reset_lost = 1 + rng_below(random, 4);
	if (faults & 256)
		plan->storm = 1 + rng_below(random, 200);
}

/* Plan an epoch of at most so many requests. */
static void plan(struct epoch *e, unsigned int most)
{
	uint64_t *random = &e->random;
	struct plan *plan = &e->plan;
	bool fast = rng_below(random, 2);
	unsigned int faults = e->kind == PLAN ? rng(random) : 0;

	plan->timeout = 1 + rng_below(random, 3);
	plan->reset_timeout = 1 + rng_below(random, 2);
	plan->max_retries = rng_below(random, 4);
	plan->latency = PICK(random, 0, 0, 0, 1, 1, 3);
	plan->reset_latency = PICK(random, 0, 1, 20, 300);
	e->nr_clients = 1 + rng_below(random, FEW_CLIENTS);
	plan_faults(plan, random, faults, fast);

	switch (e->kind) {
	case PLAN:
		e->nr_requests = 100 + rng_below(random, 800);
		break;
	case DEAD:
		plan->gone = rng_below(random, 2);
		plan->dead = !plan->gone;
		e->nr_requests = e->nr_clients + rng_below(random, 6);
		break;
	case FULL:
		e->nr_clients = 1;
		e->nr_requests = MAX_RESULTS;
		break;
	case SIGNAL:
		plan->latency = PICK(random, 5, 20, 50);
		plan->hang = rng_below(random, 2);
		plan->lost = rng_below(random, 2);
		plan->reset_lost = rng_below(random, 2);
		e->nr_requests = e->nr_clients * (20 + rng_below(random, 40));
		break;
	case CLOSE:
	case KILL:
		/* None is done before its file is closed. */
		plan->timeout = 2;
		plan->latency = 1800;
		plan->hang = rng_below(random, 2);
		plan->reset_hang = plan->hang && rng_below(random, 2);
		e->nr_requests = e->nr_clients * (1 + rng_below(random, 5));
		break;
	case LEAVE:
		e->nr_requests = e->nr_clients * (1 + rng_below(random, 5));
		break;
	case CALM:
	case WILD:
		e->nr_requests = 300 + rng_below(random, 1500);
		e->nr_clients = FEW_CLIENTS;
		break;
	case RULES:
	case TEMPEST:
		e->nr_requests = 500 + rng_below(random, 4000);
		e->nr_clients = 1 + rng_below(random, CLIENTS);
		plan_rules(e);
		break;
	}
	if (e->nr_requests > most)
		e->nr_requests = most;
}

/* Predict what comes of the plan. */
static void predict_epoch(struct epoch *e)
{
	struct tally *sum = &e->out.sum;

	switch (e->kind) {
	case PLAN:
	case DEAD:
	case FULL:
	case SIGNAL:
	case LEAVE:
		predict(&e->out, e->plan, e->nr_requests);
		if (e->kind == LEAVE)
			sum->n[UNREAD] = e->nr_requests;
		break;
	case CLOSE:
	case KILL:
		/* The one in the slot may hang. It is not retried, since it is cancelled. */
		sum->n[SUBMITTED] = e->nr_requests;
		sum->n[CANCELLED] = e->nr_requests;
		sum->n[UNREAD] = e->nr_requests;
		sum->n[TIMEOUTS] = e->plan.hang;
		sum->n[RESETS] = e->plan.hang;
		sum->n[RESET_FAILURES] = e->plan.reset_hang;
		break;
	default:
		break;
	}
}

/* For messages. */
static void describe(const struct epoch *e)
{
	const struct plan *p = &e->plan;
	unsigned int len;

	snprintf(where, sizeof(where),
		 "device %u, epoch %u, %s of %u (timeout %u %u %u, latency %u %u%s",
		 e->device, e->number, kind_name[e->kind], e->nr_requests, p->timeout,
		 p->reset_timeout, p->max_retries, p->latency, p->reset_latency,
		 p->dead ? ", dead)" : p->gone ? ", gone)" : "");
	len = strlen(where);
	if (slots > 1)
		snprintf(where + len, sizeof(where) - len, ", abort_timeout %u)", e->abort_timeout);
	else if (!is_dead(p))
		snprintf(where + len, sizeof(where) - len,
			 ", hang %u, late %u %u, error %u, reset-hang %u, spurious %u, lost %u, duplicate %u, reset-lost %u, storm %u)",
			 p->hang, p->late_ms, p->late, p->error, p->reset_hang, p->spurious,
			 p->lost, p->duplicate, p->reset_lost, p->storm);
}

/* Is there a prediction for each single request? */
static bool is_exact(const struct epoch *e)
{
	return e->out.sum.n[SUBMITTED] && e->nr_clients == 1 && !e->out.sum.n[CANCELLED];
}

static void start_clients(struct epoch *e)
{
	unsigned int id, nr;

	memset(shared->client[e->device], 0, sizeof(shared->client[e->device]));
	for (id = 0; id < e->nr_clients; id++) {
		nr = e->nr_requests / e->nr_clients + (id < e->nr_requests % e->nr_clients);
		e->pid[id] = fork();
		if (e->pid[id] < 0)
			die("%s: fork: %m", where);
		if (!e->pid[id]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			be_client(&(struct client_task) {
				.device = e->device, .id = id, .kind = e->kind,
				.random = e->random, .nr_requests = nr,
				.predicted = is_exact(e) ? &e->out : NULL,
				.fates = slots > 1 ? &e->fates : NULL,
			});
		}
	}
}

/* A client has ended: its pid may belong to another process now. */
static void forget_client(struct epoch *e, pid_t pid)
{
	unsigned int id;

	for (id = 0; id < e->nr_clients; id++)
		if (e->pid[id] == pid)
			e->pid[id] = 0;
}

/* Are there clients still? Waits for all of them to end if @wait. */
bool at_work(struct epoch *e, bool wait)
{
	pid_t pid;
	int status;

	do {
		pid = waitpid(-1, &status, wait ? 0 : WNOHANG);
		forget_client(e, pid);
		if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			die("%s: a client is stuck", where);
		if (pid > 0 && WIFSIGNALED(status) && e->kind != KILL)
			die("%s: a client was ended by signal %d", where, WTERMSIG(status));
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status))
			exit(1);	/* the client printed why */
	} while (pid > 0);
	return pid == 0;
}

/* Kill the clients when each waits in a write(). */
static void kill_clients(struct epoch *e)
{
	struct tally *tally = shared->client[e->device];
	double began = now();
	unsigned int id;

	while (ctl_value(e->device, "outstanding") < e->nr_requests) {
		if (!at_work(e, false) || now() - began > UNREST)
			die("%s: not all clients wait", where);
		sleep_ms(1);
	}
	for (id = 0; id < e->nr_clients; id++)
		kill(e->pid[id], SIGKILL);
	at_work(e, true);
	for (id = 0; id < e->nr_clients; id++) {
		tally[id].n[SUBMITTED]++;	/* the write it was killed in */
		tally[id].n[UNREAD] = tally[id].n[SUBMITTED];
		tally[id].n[KILLED]++;
	}
}

/* Stop and continue the clients again and again. */
static void stop_clients(struct epoch *e)
{
	unsigned int id;

	while (at_work(e, false)) {
		sleep_ms(PICK(&e->random, 1, 10, 100));
		for (id = 0; id < e->nr_clients; id++)
			if (e->pid[id] && !kill(e->pid[id], SIGSTOP))
				e->injected[STOPPED]++;
		sleep_ms(PICK(&e->random, 1, 10, 100, 1000));
		for (id = 0; id < e->nr_clients; id++)
			if (e->pid[id])
				kill(e->pid[id], SIGCONT);
	}
}

/*
 * May the device go silent? False if faults "error" are pending: they are counted, and
 * a silent device would lose them. Waits for an error that has hit an operation, but
 * was not reported yet.
 */
static bool is_free_of_errors(const struct epoch *e)
{
	if (ctl_value(e->device, "pending_error"))
		return false;
	sleep_ms(20);
	return true;
}

/* Have the device be dead or gone for a while. */
static void be_silent(struct epoch *e, bool gone)
{
	if (!is_free_of_errors(e))
		return;
	if (gone)
		inject(e, "gone", GONE, 0);
	else
		command(e, "dead");
	sleep_ms(rng_below(&e->random, 6000));
	command(e, "revive");
}

/* Lose, double or add interrupts. */
static void stray(struct epoch *e, unsigned int nr)
{
	switch (rng_below(&e->random, 4)) {
	case 0:
		inject(e, "lost", LOST, nr);
		break;
	case 1:
		inject(e, "reset-lost", RESET_LOST, 1);
		break;
	case 2:
		inject(e, "duplicate", DUPLICATE, nr);
		break;
	case 3:
		inject(e, "storm", STORM, 10 * nr);
		break;
	}
}

/* Inject a fault, or change a setting. */
static void trouble(struct epoch *e)
{
	uint64_t *random = &e->random;
	unsigned int nr = PICK(random, 1, 1, 1, 2, 3, 5);

	switch (rng_below(random, e->kind == WILD ? 27 : 26)) {
	case 0 ... 2:
		command(e, "hang %u", nr);
		break;
	case 3 ... 5:
		command(e, "late %u %u", PICK(random, 1, 100, 900, 1500, 2500, 3500, 5000), nr);
		break;
	case 6 ... 9:	/* unless some are pending: these would be replaced, but are counted */
		if (ctl_value(e->device, "pending_error"))
			break;
		command(e, "error %u", nr);
		e->errors += nr;
		break;
	case 10 ... 11:
		command(e, "reset-hang %u", 1);
		break;
	case 12 ... 14:
		command(e, "spurious %u", nr);
		break;
	case 15 ... 16:
		command(e, "latency %u", PICK(random, 0, 0, 0, 0, 1, 1, 5));
		break;
	case 17:
		command(e, "reset-latency %u", PICK(random, 0, 1, 100, 1500));
		break;
	case 18:
		be_silent(e, rng_below(random, 2));
		break;
	case 19:
		set(e, "timeout", 1 + rng_below(random, 3));
		break;
	case 20:
		set(e, "reset_timeout", 1 + rng_below(random, 2));
		break;
	case 21:
		set(e, "max_retries", rng_below(random, 4));
		break;
	case 22 ... 25:
		stray(e, nr);
		break;
	case 26:
		command(e, "clear");
		break;
	}
}

/* Make trouble while the clients work, mostly after they made progress. */
static void chaos(struct epoch *e)
{
	const struct tally *tally = shared->client[e->device];
	unsigned long long done, before = 0;

	while (at_work(e, false)) {
		sleep_ms(PICK(&e->random, 1, 5, 10, 50, 200, 1000));
		done = tally[0].n[SUBMITTED] + tally[1].n[SUBMITTED] + tally[2].n[SUBMITTED];
		if (done != before || rng_below(&e->random, 4) == 0)
			trouble(e);
		before = done;
	}
}

/* Wait until all requests are done and the last interrupt has come. */
static void settle(struct epoch *e)
{
	bool chaotic = e->kind == CALM || e->kind == WILD || e->kind == TEMPEST;
	double began = now();

	while (ctl_value(e->device, "outstanding") || ctl_value(e->device, "pending_spurious") ||
	       ctl_value(e->device, "pending_storm")) {
		if (now() - began > UNREST)
			die("%s: the device does not become idle", where);
		if (e->kind == TEMPEST)
			command(e, "revive");
		sleep_ms(20);
	}
	if (slots > 1)
		count_struck(e);
	else if (chaotic)
		e->errors -= ctl_value(e->device, "pending_error");
	command(e, "clear");
	if (is_dead(&e->plan))
		command(e, "revive");
	/* For late interrupts, and the last spurious one. */
	sleep_ms(chaotic ? 5100 : e->plan.late_ms + 100);
}

void expect(const char *what, unsigned long long is, unsigned long long expected)
{
	if (is != expected)
		die("%s: %s: %llu instead of %llu", where, what, is, expected);
}

/* Compare what the device counted in this epoch with what its clients counted. */
static void compare(struct epoch *e, const unsigned long long device[NR_STATS],
		    struct tally *clients)
{
	const unsigned long long *predicted = e->out.sum.n;
	unsigned long long *n = clients->n, out_of_retries;
	unsigned int i;

	expect("submitted", device[SUBMITTED], n[SUBMITTED]);
	expect("submitted of the plan", n[SUBMITTED], e->nr_requests);
	expect("completed, failed and cancelled",
	       device[COMPLETED] + device[FAILED] + device[CANCELLED], device[SUBMITTED]);
	expect("what clients saw",
	       n[COMPLETED] + n[FAILED] + n[CANCELLED] + n[UNREAD], n[SUBMITTED]);
	for (i = COMPLETED; i <= CANCELLED; i++)
		if (device[i] < n[i] || (!n[UNREAD] && device[i] != n[i]))
			expect(count_name[i], device[i], n[i]);
	expect("EIO and ETIMEDOUT", n[EIO_SEEN] + n[ETIMEDOUT_SEEN], n[FAILED]);
	expect("cancelled, as seen by a client", n[CANCELLED], 0);
	if (slots > 1) {
		compare_rules(e, device, n);
		n[EIO_EITHER] = n[EIO_SEEN];
		return;
	}
	expect("resets", device[RESETS], device[TIMEOUTS]);
	if (device[MISSED] > e->injected[LOST] + e->injected[RESET_LOST])
		expect("missed", device[MISSED], e->injected[LOST] + e->injected[RESET_LOST]);

	out_of_retries = device[RESETS] - device[RESET_FAILURES] - device[RETRIES];
	switch (e->kind) {
	case CALM:
		expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], out_of_retries);
		expect("EIO", n[EIO_SEEN], device[RESET_FAILURES] + e->errors);
		n[EIO_ERROR] = e->errors;
		n[EIO_RESET] = device[RESET_FAILURES];
		break;
	case WILD:
		if (n[ETIMEDOUT_SEEN] > out_of_retries)
			expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], out_of_retries);
		if (n[EIO_SEEN] > device[RESET_FAILURES] + e->errors)
			expect("EIO", n[EIO_SEEN], device[RESET_FAILURES] + e->errors);
		n[EIO_EITHER] = n[EIO_SEEN];
		break;
	default:
		for (i = 0; i < NR_STATS; i++)
			expect(count_name[i], device[i], predicted[i]);
		expect("EIO", n[EIO_SEEN], predicted[EIO_SEEN]);
		expect("ETIMEDOUT", n[ETIMEDOUT_SEEN], predicted[ETIMEDOUT_SEEN]);
		expect("closed unread", n[UNREAD], predicted[UNREAD]);
		n[EIO_ERROR] = predicted[EIO_ERROR];
		n[EIO_RESET] = predicted[EIO_RESET];
	}
}

/* Add an epoch to the device's total, and print the progress of all devices. */
static void add_up(struct epoch *e)
{
	struct tally sum = {}, *total = &shared->total[e->device];
	unsigned long long stats[NR_STATS], done, twentieth, reported;
	unsigned int i, id;

	for (id = 0; id < CLIENTS; id++) {
		const struct tally *tally = &shared->client[e->device][id];

		for (i = 0; i < NR_COUNTS; i++)
			sum.n[i] += tally->n[i];
		total->sum += tally->sum;
	}
	read_stats(e->device, stats);
	for (i = 0; i < NR_STATS; i++)
		stats[i] -= e->before[i];
	compare(e, stats, &sum);
	for (i = 0; i < NR_COUNTS; i++)
		total->n[i] += sum.n[i] + e->injected[i];
	for (i = 0; i < NR_STATS; i++)
		if (e->out.sum.n[SUBMITTED] ||	/* the epoch was predicted */
		    (e->kind == RULES && i < CANCELLED))
			total->sum += hash(e->random + i, stats[i]);

	__atomic_add_fetch(&shared->epochs, 1, __ATOMIC_SEQ_CST);
	done = __atomic_add_fetch(&shared->submitted, sum.n[SUBMITTED], __ATOMIC_SEQ_CST);
	twentieth = done * 20 / requests;
	reported = __atomic_exchange_n(&shared->reported, twentieth, __ATOMIC_SEQ_CST);
	if (twentieth > reported)
		note("%llu requests in %.0f s", done, now());
}

static void run_epoch(struct epoch *e, unsigned int most)
{
	plan(e, most);
	describe(e);
	predict_epoch(e);
	read_stats(e->device, e->before);
	set_up(e);
	start_clients(e);
	if (e->kind == KILL)
		kill_clients(e);
	else if (e->kind == SIGNAL)
		stop_clients(e);
	else if (e->kind == CALM || e->kind == WILD)
		chaos(e);
	else if (e->kind == TEMPEST)
		watch_rules(e);
	else
		at_work(e, true);
	settle(e);
	add_up(e);
}

/* A device's conductor: its epochs, for @share requests. */
void conduct(unsigned int device, unsigned int share, uint64_t random)
{
	enum kind deck[] = {
		PLAN, PLAN, PLAN, PLAN, DEAD, FULL, SIGNAL, CLOSE, LEAVE, KILL,
		CALM, CALM, CALM, WILD, WILD, WILD,
	};
	const unsigned int cards = ARRAY_SIZE(deck);
	const enum kind often = slots > 1 ? RULES : PLAN;
	struct epoch e;
	unsigned int number, i, other;
	enum kind kind;

	for (number = 0; share; number++) {
		i = number % cards;
		other = i + rng_below(&random, cards - i);
		kind = deck[other];
		deck[other] = deck[i];
		deck[i] = kind;
		if (slots > 1)
			kind = kind == WILD || kind == CALM ? TEMPEST : RULES;
		memset(&e, 0, sizeof(e));
		e.device = device;
		e.number = number;
		e.kind = share < REST ? often : kind;
		e.random = rng(&random);
		run_epoch(&e, share);
		share -= e.nr_requests;
	}
	exit(0);
}
