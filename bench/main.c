// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - measure iotimer beside everything that a driver would use
 * instead
 *
 * Loading the module runs one part of the benchmark at one number of devices. See
 * bench.h for its output, and bench/run for its parameters.
 */
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

static char *run = "second";
module_param(run, charp, 0444);
MODULE_PARM_DESC(run, "part: second, hold, wakeups, memory, ops, cpus or recovery (default second)");

static unsigned int devices = 1000;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices (1 to 1000000, default 1000)");

static unsigned int samples = 5;
module_param(samples, uint, 0444);
MODULE_PARM_DESC(samples, "samples of each measurement (5 to 32, default 5)");

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "measure only names that contain this");

static char *prefix = "";
module_param(prefix, charp, 0444);
MODULE_PARM_DESC(prefix, "prefix of all names");

static bool shuffle = true;
module_param(shuffle, bool, 0444);
MODULE_PARM_DESC(shuffle, "allocate in another order than that of the calls (default Y)");

static bool hurry = true;
module_param(hurry, bool, 0444);
MODULE_PARM_DESC(hurry, "make the seconds between two samples pass at once (default Y)");

struct bench bench;

static struct rnd_state rnd;	/* gives the same numbers in each run */

/* 0 to n - 1 */
unsigned int bench_random(unsigned int n)
{
	return prandom_u32_state(&rnd) % n;
}

/* Choose which devices' timers are enabled. Return: their number. */
unsigned int bench_enable(enum bench_enabled which)
{
	unsigned int i, nr = 0;

	for (i = 0; i < bench.nr; i++) {
		struct bench_context *context = bench.context[i];
		u32 number = prandom_u32_state(&rnd);

		context->enabled = which == BENCH_ALL ||
				   (which == BENCH_HALF && number & 1) ||
				   (which == BENCH_PERCENT && number % 100 == 0);
		nr += context->enabled;
	}
	return nr;
}

bool bench_wanted(const char *name)
{
	return strstr(name, only);
}

/* Compare the clock with the kernel's for 200 ms. */
static void bench_calibrate(void)
{
	u64 clock = bench_clock(), ns = ktime_get_ns(), passed;

	do {
		cpu_relax();
		passed = ktime_get_ns() - ns;
	} while (passed < 200 * NSEC_PER_MSEC);
	bench.clock_khz = div64_u64((bench_clock() - clock) * USEC_PER_SEC,
				    passed);
}

/* Print the samples, given in thousandths. */
void bench_print(const char *name, const char *unit, const u64 *thousandths)
{
	static char line[BENCH_MAX_SAMPLES * 24];
	unsigned int i, len = 0;

	for (i = 0; i < bench.samples; i++) {
		u32 rest;
		u64 whole = div_u64_rem(thousandths[i], 1000, &rest);

		len += scnprintf(line + len, sizeof(line) - len, " %llu.%03u",
				 whole, rest);
	}
	pr_info("bench %s%s %u %s%s\n", prefix, name, bench.nr, unit, line);
}

/* Print a value that was measured once. */
void bench_print_one(const char *name, const char *unit, u64 thousandths)
{
	u64 sample[BENCH_MAX_SAMPLES] = { thousandths };
	unsigned int all = bench.samples;

	bench.samples = 1;
	bench_print(name, unit, sample);
	bench.samples = all;
}

/*
 * Print the samples, given in ticks of bench_clock(), as nanoseconds with three
 * decimals. Each is divided by @divisor.
 */
void bench_print_ns(const char *name, const u64 *ticks, u64 divisor)
{
	u64 thousandths[BENCH_MAX_SAMPLES] = { };
	unsigned int i;

	for (i = 0; i < bench.samples; i++)
		thousandths[i] = mul_u64_u64_div_u64(ticks[i], 1000 * USEC_PER_SEC,
						     bench.clock_khz * divisor);
	bench_print(name, "ns", thousandths);
}

void bench_shuffle(void **pointer, unsigned int nr)
{
	unsigned int i;

	for (i = nr; shuffle && i > 1; i--) {
		unsigned int other = bench_random(i);

		swap(pointer[i - 1], pointer[other]);
	}
}

/* A routine, and a timer's function, that do nothing. */
void bench_routine(struct device *dev, void *context)
{
}

void bench_function(struct timer_list *timer)
{
}

static void bench_no_release(struct device *dev)
{
}

static void bench_free(void)
{
	unsigned int i;

	for (i = 0; bench.context && i < bench.nr; i++)
		kfree(bench.context[i]);
	vfree(bench.context);
	vfree(bench.device);
}

static int bench_alloc(void)
{
	unsigned int i;

	bench.nr = devices;
	bench.samples = samples;
	bench.hurry = hurry;
	bench.context = vzalloc(array_size(devices, sizeof(*bench.context)));
	bench.device = vzalloc(array_size(devices + BENCH_SPARE,
					  sizeof(*bench.device)));
	if (!bench.context || !bench.device)
		return -ENOMEM;
	for (i = 0; i < devices; i++) {
		bench.context[i] = kzalloc(sizeof(**bench.context), GFP_KERNEL);
		if (!bench.context[i])
			return -ENOMEM;
		io_timeout_init(&bench.context[i]->timeout, 3, 2);
		cond_resched();
	}
	for (i = 0; i < devices + BENCH_SPARE; i++) {
		device_initialize(&bench.device[i]);
		bench.device[i].release = bench_no_release;
	}
	bench_shuffle((void **)bench.context, devices);
	for (i = 0; i < devices; i++)
		bench.context[i]->index = i;
	return 0;
}

static int __init bench_init(void)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} part[] = {
		{ "second", bench_seconds },
		{ "hold", bench_hold },
		{ "wakeups", bench_wakeups },
		{ "memory", bench_memory },
		{ "ops", bench_ops },
		{ "cpus", bench_cpus },
		{ "recovery", bench_recovery },
	};
	int err = -EINVAL;
	unsigned int i;

	if (devices < 1 || devices > 1000000 || samples < 5 ||
	    samples > BENCH_MAX_SAMPLES)
		return -EINVAL;
	prandom_seed_state(&rnd, 1);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		if (strcmp(run, part[i].name))
			continue;
		bench_calibrate();
		err = bench_alloc();
		if (!err)
			err = part[i].run();
		bench_free();
	}
	return err;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of iotimer");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
