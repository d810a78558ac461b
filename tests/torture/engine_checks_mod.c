// SPDX-License-Identifier: GPL-2.0-only
/* What the torture has done, and what is checked */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/printk.h>

#include "engine_mod.h"

static const char * const op_name[NR_OPS] = {
	[OP_CREATE] = "created", [OP_DESTROY] = "destroyed", [OP_START] = "started",
	[OP_STOP] = "stopped", [OP_STOP_SYNC] = "stop_sync", [OP_ENOMEM] = "allocations failed",
	[OP_EXISTS] = "second creates refused", [OP_IRQ] = "by interrupts",
	[OP_ROUTINE] = "by routines", [OP_CALL] = "calls",
	[OP_CERTAIN] = "calls that had to come", [OP_QUIET] = "quiet times",
	[OP_WAITED] = "of which waited for the routine",
	[OP_UNDONE] = "of which undid its own start",
	[OP_PASSED] = "stop_syncs past another's routine",
	[OP_PASSED_DESTROY] = "destroys past another's routine", [OP_CHUNK] = "chunks emptied",
	[OP_GROUP] = "groups emptied", [OP_OUTLASTED] = "of them in the middle of a walk",
	[OP_ALONE] = "starts on the way to idle",
	[OP_IDLE] = "idle times",
};

static atomic_long_t ops[NR_OPS];

void did(enum op op)
{
	atomic_long_inc(&ops[op]);
}

static const struct {
	const char *text;
	enum op by;	/* the check counts only if this has been done */
} checks[NR_CHECKS] = {
	[CHECK_NOT_QUIET] = { "P1: no call after stop_sync", OP_WAITED },
	[CHECK_DEAD] = { "P1: no call after destroy", OP_DESTROY },
	[CHECK_TWICE] = { "P2: no timer called twice in a tick", OP_CALL },
	[CHECK_MISSED] = { "P2: no enabled timer left out of a tick", OP_CERTAIN },
	[CHECK_FOREIGN] = { "no call with a foreign device or context", OP_CALL },
	[CHECK_CONTEXT] = { "P4, P5: routines called in softirq context", OP_CALL },
	[CHECK_REFS] = { "P9: one reference to the device", OP_CREATE },
	[CHECK_TWO_TIMERS] = { "one timer a device", OP_EXISTS },
	[CHECK_NOT_CALLED] = { "P3: a timer started on the way to idle is called", OP_ALONE },
	[CHECK_COUPLED] = { "P6: stop_sync waits for its own routine only", OP_PASSED },
	[CHECK_NOT_IDLE] = { "P8: no wake-up while none is enabled", OP_IDLE },
};

static atomic_t violations[NR_CHECKS];

bool expect(bool good, enum check check)
{
	if (unlikely(!good) && atomic_inc_return(&violations[check]) == 1)
		WARN(1, "iotimer_torture: violated: %s\n", checks[check].text);
	return good;
}

unsigned long began;

void report(void)
{
	struct iotimer_stats stats;
	unsigned int i, len = 0;
	char text[700];

	for (i = 0; i < NR_OPS; i++)
		len += scnprintf(text + len, sizeof(text) - len, ", %ld %s",
				 atomic_long_read(&ops[i]), op_name[i]);
	iotimer_get_stats(&stats);
	pr_info("iotimer_torture: %lu s, %u CPUs, %lu ticks, %lu missed%s, %u of %u holds timed out\n",
		(jiffies - began) / HZ, num_online_cpus(), stats.ticks,
		stats.missed, text, atomic_read(&holds_timed_out), READ_ONCE(nr_holds));
}

/*
 * Has everything been done at least once, or was a promise violated? A starved
 * guest may need longer than its time.
 */
bool did_all(void)
{
	unsigned int i;

	for (i = 0; i < NR_CHECKS; i++)
		if (atomic_read(&violations[i]))
			return true;
	for (i = 0; i < NR_OPS; i++)
		if (!atomic_long_read(&ops[i]) && (i != OP_ENOMEM || failslab))
			return false;
	return true;
}

/* Print a line for each check, and for each operation that was never done. */
void print_checks(void)
{
	unsigned int i, passed = 0, failed = 0;

	for (i = 0; i < NR_CHECKS; i++) {
		long done = atomic_long_read(&ops[checks[i].by]);
		bool good = done && !atomic_read(&violations[i]);

		pr_info("iotimer_torture: %s %s (%ld %s)\n", good ? "ok     " : "FAILED ",
			checks[i].text, done, op_name[checks[i].by]);
		if (good)
			passed++;
		else
			failed++;
	}
	pr_info("iotimer_torture: %s workers on %u of %u CPUs\n",
		cpumask_weight(&worked_on) == num_present_cpus() ? "ok     " : "FAILED ",
		cpumask_weight(&worked_on), num_present_cpus());
	if (cpumask_weight(&worked_on) == num_present_cpus())
		passed++;
	else
		failed++;
	for (i = 0; i < NR_OPS; i++) {
		if (atomic_long_read(&ops[i]) || (i == OP_ENOMEM && !failslab))
			continue;
		pr_info("iotimer_torture: FAILED  none %s\n", op_name[i]);
		failed++;
	}
	pr_info("iotimer_torture: %u passed, %u failed\n", passed, failed);
}
