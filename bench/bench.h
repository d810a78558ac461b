/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_bench - what the parts of the benchmark share
 *
 * A part measures something at one number of devices, several times, and says
 * it in one line of the kernel log, which scripts/bench collects:
 *
 *	bench NAME DEVICES UNIT SAMPLE...
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "iotimer.h"

#define BENCH_MAX_SAMPLES	32

/**
 * struct bench_context - what a driver keeps of a device, 256 bytes
 * @timeout: idle; what a routine that reads its context reads
 * @index: its number, in the order in which routines are called
 * @enabled: the device's timer is to run
 * @timer: for those who have one timer_list a device
 * @hrtimer: the same, hrtimer
 * @work: the same, delayed_work
 */
struct bench_context {
	struct io_timeout timeout;
	u32 index;
	bool enabled;
	union {
		struct timer_list timer;
		struct hrtimer hrtimer;
		struct delayed_work work;
	};
} __aligned(256);

static_assert(sizeof(struct bench_context) == 256);

/**
 * struct bench - what there is to measure with
 * @clock_khz: how fast bench_clock() runs
 * @nr: devices
 * @samples: of each measurement
 * @hurry: make the seconds between two samples pass at once
 * @device: @nr devices, and BENCH_SPARE more
 * @context: their contexts, each allocated by itself; unless told otherwise, in
 *	an order that has nothing to do with their addresses
 */
struct bench {
	u64 clock_khz;
	unsigned int nr;
	unsigned int samples;
	bool hurry;
	struct device *device;
	struct bench_context **context;
};

#define BENCH_SPARE		1024

extern struct bench bench;

/* Which timers run. */
enum bench_enabled { BENCH_ALL, BENCH_HALF, BENCH_PERCENT, BENCH_NR_ENABLED };

unsigned int bench_random(unsigned int n);
unsigned int bench_enable(enum bench_enabled which);
bool bench_wanted(const char *name);
void bench_say(const char *name, const char *unit, const u64 *thousandths);
void bench_say_one(const char *name, const char *unit, u64 thousandths);
void bench_say_ns(const char *name, const u64 *ticks, u64 divisor);
void bench_shuffle(void **pointer, unsigned int nr);

void bench_routine(struct device *dev, void *context);
void bench_function(struct timer_list *timer);

/*
 * A clock of one cycle's resolution, where there is one: user-mode Linux's is
 * of 256 ns. Its ticks; bench_say() makes nanoseconds of them.
 */
static inline u64 bench_clock(void)
{
#ifdef __x86_64__
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) :: "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

int bench_second(void);
int bench_hold(void);
int bench_wakeups(void);
int bench_memory(void);
int bench_ops(void);
int bench_cpus(void);

#endif /* _BENCH_H */
