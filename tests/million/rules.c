// SPDX-License-Identifier: GPL-2.0-only
/*
 * Epochs of a device with several slots. Nobody can say in which order its operations
 * begin, so faults strike by rules, the first of which go by a request's size.
 */
#include "million.h"

#define MAX_RULES_TEXT	16384
#define MAX_RESTARTS	16	/* the driver's: then an innocent request is charged, too */

static const char *const fault_name[] = {
	[S_HANG] = "hang", [S_LATE] = "late", [S_ERROR] = "error", [S_RESET_HANG] = "reset-hang",
	[S_SPURIOUS] = "spurious", [S_LOST] = "lost", [S_DUPLICATE] = "duplicate",
	[S_RESET_LOST] = "reset-lost", [S_STORM] = "storm", [S_CORRUPT] = "corrupt",
	[S_SHORT] = "short", [S_ABORT_HANG] = "abort-hang", [S_DEAD] = "dead", [S_GONE] = "gone",
};

/* Plan which sizes have which fate: ranges that do not overlap. Few requests hang. */
static void plan_fates(struct fates *fates, uint64_t *random)
{
	static const struct {
		enum fate fate;
		unsigned int more;
	} kinds[] = { { ERROR, 2 }, { HANG, 0 }, { CORRUPT, 3 }, { SHORT, 3 } };
	unsigned int i, low;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		low = 2 + 15 * i + rng_below(random, 10);
		if (!rng_below(random, 4))
			continue;
		fates->of[fates->nr].fate = kinds[i].fate;
		fates->of[fates->nr].low = low;
		fates->of[fates->nr].high = low + rng_below(random, kinds[i].more + 1);
		fates->nr++;
	}
}

void plan_rules(struct epoch *e)
{
	e->fates.strict = e->kind == RULES;
	plan_fates(&e->fates, &e->random);
	e->fates.deep = rng_below(&e->random, 2);
	if (e->fates.deep)
		e->nr_clients = CLIENTS;
	e->abort_timeout = PICK(&e->random, 0, 1, 1, 2);
}

static __attribute__((format(printf, 2, 3))) void rule(struct epoch *e, const char *format, ...)
{
	char text[96];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	command(e, "rule %s", text);
	e->nr_rules++;
}

static void set_fates(struct epoch *e)
{
	static const char *const names[] = {
		[ERROR] = "error", [HANG] = "hang", [CORRUPT] = "corrupt", [SHORT] = "short",
	};
	unsigned int i;

	for (i = 0; i < e->fates.nr; i++)
		rule(e, "%s size %u-%u", names[e->fates.of[i].fate], e->fates.of[i].low,
		     e->fates.of[i].high);
}

/* Rules after which each request still ends as it would. A late interrupt is in time. */
static void set_harmless_rules(struct epoch *e)
{
	uint64_t *random = &e->random;
	unsigned int in_time = e->plan.timeout * 1000 - 50;

	if (rng_below(random, 2))
		rule(e, "lost chance 1/%u times %u", 20 + rng_below(random, 200),
		     1 + rng_below(random, 30));
	if (rng_below(random, 2))
		rule(e, "lost after %u slot %u times %u", rng_below(random, 50),
		     rng_below(random, slots), 1 + rng_below(random, 9));
	if (e->fates.deep || rng_below(random, 2))
		rule(e, "duplicate slot %u every 2", slots - 1);
	if (rng_below(random, 2))
		rule(e, "duplicate every %u", 2 + rng_below(random, 50));
	if (rng_below(random, 2))
		rule(e, "late %u chance 1/%u times %u", 1 + rng_below(random, in_time),
		     20 + rng_below(random, 100), 1 + rng_below(random, 20));
	if (rng_below(random, 3) == 0)
		rule(e, "spurious %u every %u times %u", 1 + rng_below(random, 5),
		     10 + rng_below(random, 100), 1 + rng_below(random, 9));
	if (rng_below(random, 3) == 0)
		rule(e, "storm %u after %u times 1", 1 + rng_below(random, 200),
		     rng_below(random, 200));
	if (rng_below(random, 2))
		rule(e, "reset-lost every 2 times %u", 1 + rng_below(random, 3));
	if (rng_below(random, 2))
		rule(e, "abort-hang chance 1/%u", 1 + rng_below(random, 4));
}

/* Rules after which any request may fail. The last one is dropped and made again. */
static void set_wild_rules(struct epoch *e)
{
	uint64_t *random = &e->random;

	if (rng_below(random, 2))
		rule(e, "error chance 1/%u", 50 + rng_below(random, 200));
	if (rng_below(random, 2))
		rule(e, "late %u chance 1/300", PICK(random, 1500, 2500, 3500, 5000));
	if (rng_below(random, 4))
		rule(e, "reset-hang chance 1/%u", 2 + rng_below(random, 3));
	if (rng_below(random, 2))
		rule(e, "%s after %u times 1", rng_below(random, 2) ? "dead" : "gone",
		     rng_below(random, 500));
	rule(e, "hang chance 1/%u", 100 + rng_below(random, 200));
}

/* Set the device up for the epoch. */
void set_rules(struct epoch *e)
{
	unsigned int least = rng_below(&e->random, 3);

	set(e, "abort_timeout", e->abort_timeout);
	command(e, "seed %u", rng_below(&e->random, 1000000));
	if (e->fates.deep)
		command(e, "latency %u-%u", 200 + least, e->plan.timeout * 1000 - 100);
	else
		command(e, "latency %u-%u", least, least + rng_below(&e->random, 20));
	set_fates(e);
	set_harmless_rules(e);
	if (!e->fates.strict)
		set_wild_rules(e);
}

/* Revive the device if a rule has silenced it, and exchange the last rule now and then. */
void watch_rules(struct epoch *e)
{
	while (at_work(e, false)) {
		sleep_ms(PICK(&e->random, 10, 50, 200, 1000));
		if (ctl_value(e->device, "dead") || ctl_value(e->device, "gone")) {
			sleep_ms(rng_below(&e->random, 4000));
			command(e, "revive");
		}
		if (rng_below(&e->random, 4))
			continue;
		command(e, "drop %u", e->nr_rules);
		rule(e, "hang chance 1/%u", 100 + rng_below(&e->random, 200));
	}
}

static void count_rule(struct epoch *e, const char *line)
{
	const char *struck = strstr(line, " struck ");
	unsigned long long arg = 1, times;
	char name[16];
	unsigned int i;

	if (sscanf(line, "rule %*u: %15s %llu", name, &arg) < 1 || !struck)
		return;
	times = strtoull(struck + 8, NULL, 10);
	for (i = 0; i < NR_STRUCK && strcmp(name, fault_name[i]); i++)
		;
	if (i == NR_STRUCK)
		die("%s: '%s'", where, line);
	if (i == S_DUPLICATE && strstr(line, " slot "))
		e->injected[LAST_SLOT] += times;
	/* These strike an operation with so many interrupts. */
	e->struck[i] += i == S_SPURIOUS || i == S_STORM ? arg * times : times;
}

/* The epoch is over: read how often each fault has struck. */
void count_struck(struct epoch *e)
{
	static char text[MAX_RULES_TEXT];
	char path[64], *rest = text, *line;

	snprintf(path, sizeof(path), "/dev/sim_dev%u_ctl", e->device);
	if (get(path, text, sizeof(text)) <= 0)
		die("%s: cannot read the control node: %m", where);
	while ((line = strsep(&rest, "\n")))
		count_rule(e, line);
	e->injected[LOST] = e->struck[S_LOST];
	e->injected[RESET_LOST] = e->struck[S_RESET_LOST];
	e->injected[DUPLICATE] = e->struck[S_DUPLICATE];
	e->injected[STORM] = e->struck[S_STORM];
	e->injected[GONE] = e->struck[S_GONE];
}

static void at_most(const char *what, unsigned long long is, unsigned long long limit)
{
	if (is > limit)
		die("%s: %s: %llu, more than %llu", where, what, is, limit);
}

/* What holds under any rules. */
static void compare_any(const struct epoch *e, const unsigned long long d[NR_STATS],
			const unsigned long long n[NR_COUNTS])
{
	const unsigned long long *struck = e->struck;
	unsigned long long charged = d[INNOCENT] / MAX_RESTARTS * (e->plan.max_retries + 1);

	at_most("resets", d[RESETS], d[TIMEOUTS]);
	at_most("aborts", d[ABORTS], e->abort_timeout ? d[TIMEOUTS] : 0);
	at_most("innocent", d[INNOCENT], d[RESETS] * (slots - 1));
	at_most("retries, ETIMEDOUT and failed resets",
		d[RETRIES] + n[ETIMEDOUT_SEEN] + d[RESET_FAILURES], d[TIMEOUTS] + charged);
	at_most("missed", d[MISSED], struck[S_LOST] + struck[S_RESET_LOST]);
	/* An abort may end after its operation. */
	at_most("late", d[LATE], struck[S_DUPLICATE] + struck[S_LATE] + d[ABORTS]);
	/* While the device is gone, each interrupt has no cause. */
	at_most("spurious", d[SPURIOUS], struck[S_SPURIOUS] + struck[S_STORM] +
		(struck[S_GONE] ? struck[S_LATE] + 2 : 0));
	at_most("EIO", n[EIO_SEEN],
		struck[S_ERROR] + slots * (d[RESET_FAILURES] + struck[S_GONE]));
	if (!struck[S_DEAD] && !struck[S_GONE])
		at_most("failed resets", d[RESET_FAILURES], struck[S_RESET_HANG]);
}

/* What holds if only requests of one size hang, again and again, and resets succeed. */
static void compare_strict(const struct epoch *e, const unsigned long long d[NR_STATS],
			   const unsigned long long n[NR_COUNTS])
{
	const unsigned long long *struck = e->struck;
	bool aborts = e->abort_timeout && !struck[S_ABORT_HANG];

	expect("failed resets", d[RESET_FAILURES], 0);
	expect("time-outs", d[TIMEOUTS], n[ETIMEDOUT_SEEN] * (e->plan.max_retries + 1));
	expect("retries", d[RETRIES], n[ETIMEDOUT_SEEN] * e->plan.max_retries);
	if (!d[TIMEOUTS] || aborts)
		expect("resets", d[RESETS], 0);
	else if (e->abort_timeout)
		at_most("resets", d[RESETS], struck[S_ABORT_HANG]);
	if (aborts)
		expect("aborts", d[ABORTS], d[TIMEOUTS]);
	if (d[TIMEOUTS] && (!e->abort_timeout || struck[S_ABORT_HANG]) && !d[RESETS])
		die("%s: no reset", where);
	if (d[RESETS])
		return;
	/* No operation was done twice. */
	expect("operations that hung", struck[S_HANG], d[TIMEOUTS]);
	expect("operations that ended with an error", struck[S_ERROR], n[EIO_SEEN]);
	expect("corrupted operations", struck[S_CORRUPT], n[CORRUPTED]);
	expect("shortened operations", struck[S_SHORT], n[SHORTENED]);
	expect("late", d[LATE], struck[S_DUPLICATE]);
}

/* Compare what the device and its rules counted with what the clients counted. */
void compare_rules(const struct epoch *e, const unsigned long long device[NR_STATS],
		   const unsigned long long clients[NR_COUNTS])
{
	compare_any(e, device, clients);
	if (e->fates.strict)
		compare_strict(e, device, clients);
}
