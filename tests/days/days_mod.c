// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_days - many timers, for days of virtual time: is each called when it must
 * be, and at no other time?
 *
 * This needs one CPU, and time that passes only while all threads sleep or a routine
 * delays: user-mode Linux with time-travel=inf-cpu. There a thread never sees a jiffy
 * before the tick in that jiffy has run, so the time of each call is known.
 *
 * On the first days the routines take no time. Each call must come at a point of the
 * grid, HZ jiffies after the previous one (P2). A timer that is started in jiffy A and
 * stopped in jiffy B must have one call for each point in (A, B] (P3).
 *
 * On the last day routines are slow. In its first half they overrun the budget, so
 * that a walk has several steps (P7). In its second half they sometimes take longer
 * than a second, so that ticks are missed (P2). Each routine checks the walk that
 * calls it, see struct walk.
 *
 * Some subjects move: their timers are created, started, stopped and destroyed at
 * random, a few or all at once, also between two steps of a walk. The timers of the
 * other subjects stay. They fill some chunks completely, and others in part.
 *
 * The results are lines of the kernel log, "ok" or "FAILED" for each check.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/kernel_stat.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "iotimer.h"

static unsigned int days = 30;
module_param(days, uint, 0444);
MODULE_PARM_DESC(days, "days on which the routines take no time (default 30)");

static unsigned int timers = 1000;
module_param(timers, uint, 0444);
MODULE_PARM_DESC(timers, "timers that stay (default 1000)");

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random numbers (default 1)");

#define DAY		(86400ul * HZ)
#define MOVING		600	/* subjects that move */

/*
 * iotimer.ko's default budget. All delays are multiples of 7 us, so that no sum of
 * them is so close to the budget that the clock decides.
 */
#define BUDGET_US	200
#define UNIT_US		7
/* Long delays are a multiple of this plus some units, and never end with a jiffy. */
#define OVERRUN_US	70000
/* P7: the most calls between two looks at the budget */
#define BATCH_MOST	BITS_PER_LONG
/* Delays planned for one tick: twice this and a jiffy for each step are < 1 s. */
#define PLANNED_US	300000

struct subject {
	struct iotimer *timer;
	unsigned long calls;		/* since it was started */
	unsigned long last;		/* jiffies of the last call */
	unsigned long tick;		/* the last call's tick, 0 if there was none */
	unsigned int us;		/* time that the next call takes */
	unsigned int left;		/* calls until it stops itself; 0: never */

	/* Of the thread: */
	bool running;
	bool unsure;			/* a walk may have been under way at the start */
	unsigned long since;		/* when started: jiffies; on the slow day a tick's number */
	unsigned int limit;		/* value of left when started */
	struct device dev;
};

static struct subject *subjects;
static unsigned int nr_subjects, nr_moving, target;
static unsigned int released;
static unsigned long grid;		/* jiffies of some tick */
static u64 grid_ns;			/* ktime of that tick */
static bool slow_day;
static struct rnd_state rnd;
static DEFINE_XARRAY(chunks);		/* number of our timers in each page */

/* What happened, for the log */
static struct {
	u64 calls, expected;
	unsigned long created, destroyed, starts, stops, chunks_came, chunks_went;
	unsigned long steps, cut_ticks, late_ticks, missed, moves_in_walk, wipes_in_walk;
	unsigned long spread;
	u64 first_ns, last_ns;
} sum;

/* Counts of what must not happen */
static struct {
	unsigned long off_time, count, answer, twice, uneven;
	unsigned long cut_early, held, resumed, begun, burst;
} wrong;

/*
 * The current walk, or the last one, as the routines see it on the slow day. From this
 * they know in which jiffy the walk must begin, when the budget is used up, and when
 * the walk must continue.
 */
static struct walk {
	unsigned long tick, wakeup;	/* numbers of the tick and of its step */
	unsigned long point;		/* point of the grid */
	unsigned long end;		/* jiffy in which the last routine returned */
	u64 end_ns;			/* ktime when the last routine returned */
	unsigned int us;		/* time that this step's routines took */
	unsigned int softirq;		/* number of the softirq */
	unsigned int held_us;		/* time that routines took in this softirq */
	unsigned int held_before_us;	/* time that routines took in the previous softirq */
	unsigned int over;		/* calls since held_us exceeded the budget */
	bool cut;			/* the walk has more than one step */
	unsigned int planned_us;	/* delays planned since this walk began */
	unsigned long moved, wiped;	/* tick of the last move, and of the last destroy of all */
} walk;

#define check(good, text, ...) \
	pr_info("%s  " text "\n", (good) ? "ok    " : "FAILED", ##__VA_ARGS__)

/* Count what must not happen, and log the first three. */
#define complain(what, text, ...) do {					\
	static unsigned int logged;					\
									\
	wrong.what++;							\
	if (logged++ < 3)						\
		pr_info("%s: " text "\n", #what, ##__VA_ARGS__);	\
} while (0)

static unsigned int below(unsigned int n)
{
	return prandom_u32_state(&rnd) % n;
}

static struct iotimer_stats stats(void)
{
	struct iotimer_stats now;

	iotimer_get_stats(&now);
	return now;
}

/*
 * The current jiffy by the clock: when a softirq interrupts the idle loop, in which
 * the kernel's tick is stopped, jiffies may stand still while routines delay. At the
 * beginning of a jiffy the clock may be a fraction of a microsecond behind.
 */
static unsigned long jiffy(void)
{
	return grid + div_u64(ktime_get_ns() - grid_ns + NSEC_PER_USEC, TICK_NSEC);
}

/* The grid point at or before a jiffy. */
static unsigned long point_of(unsigned long j)
{
	return j - (j - grid) % HZ;
}

/* The routines */

static void delay_us(unsigned int us)
{
	mdelay(us / 1000);
	udelay(us % 1000);
}

/*
 * If a softirq takes long, the timer wheel falls behind, and takes a timer's distance
 * from there. A timer at most 62 jiffies away is exact, a farther one up to an eighth
 * of its distance late. Since jiffies may stand still, this lasts for one more softirq.
 */
static unsigned long wheel_lag(void)
{
	unsigned long held = usecs_to_jiffies(walk.held_us + walk.held_before_us);

	return held < 2 ? 0 : (held + HZ) / 7;
}

/*
 * P2, P3: a walk must begin at the next point of the grid, or, if the previous walk
 * took longer, at its end or in the jiffy after. If the previous walk's last routine
 * used up the budget, one more step may have followed, which found nothing.
 */
static void begin_walk(const struct iotimer_stats *now)
{
	unsigned long due = walk.point + HZ, first = due, last = due;
	unsigned long j = jiffy(), point = point_of(j);
	unsigned long over = walk.end + 1 + (walk.us >= BUDGET_US);

	if (time_after(walk.end, due))
		first = walk.end;
	if (time_after(over, due))
		last = over;
	last += wheel_lag();
	if (time_before(j, first) || time_after(j, last))
		complain(begun, "tick %lu %lu jiffies late, due in %ld to %ld, free from %ld",
			 now->ticks, j - point, (long)(first - point), (long)(last - point),
			 (long)(walk.end - point));
	if (now->ticks != walk.tick + 1)
		complain(count, "tick %lu comes after %lu", now->ticks, walk.tick);
	if (point == walk.point)
		complain(burst, "ticks %lu and %lu in one second", walk.tick, now->ticks);
	else
		sum.missed += (point - walk.point) / HZ - 1;
	sum.late_ticks += j != point;
	sum.steps++;
	walk.tick = now->ticks;
	walk.wakeup = now->wakeups;
	walk.point = point;
	walk.end = j;
	walk.us = 0;
	walk.cut = false;
	walk.planned_us = 0;
}

/*
 * P7: a pause must be as long as the step before it, at most a jiffy. This guest's
 * clock has steps of 256 ns, and its timers are some microseconds late.
 */
static void next_step(const struct iotimer_stats *now)
{
	u64 paused = ktime_get_ns() - walk.end_ns;
	u64 due = min_t(u64, walk.us * NSEC_PER_USEC, TICK_NSEC);

	if (walk.us < BUDGET_US)
		complain(cut_early, "tick %lu was cut after %u us", walk.tick, walk.us);
	if (paused + NSEC_PER_USEC < due || paused > due + 50 * NSEC_PER_USEC)
		complain(resumed, "tick %lu went on after %llu ns, not %llu", walk.tick,
			 paused, due);
	sum.moves_in_walk += walk.moved == walk.tick;
	sum.wipes_in_walk += walk.wiped == walk.tick;
	sum.cut_ticks += !walk.cut;
	sum.steps++;
	walk.moved = 0;
	walk.wiped = 0;
	walk.end = jiffy();
	walk.wakeup = now->wakeups;
	walk.us = 0;
	walk.cut = true;
}

/* P2, P7 */
static void slow_watchdog(struct subject *s)
{
	unsigned int cpu = smp_processor_id();
	unsigned int softirq = kstat_softirqs_cpu(TIMER_SOFTIRQ, cpu) +
			       kstat_softirqs_cpu(HRTIMER_SOFTIRQ, cpu);
	struct iotimer_stats now = stats();

	if (now.ticks != walk.tick)
		begin_walk(&now);
	else if (now.wakeups != walk.wakeup)
		next_step(&now);
	if (softirq != walk.softirq) {
		walk.softirq = softirq;
		walk.held_before_us = walk.held_us;
		walk.held_us = 0;
		walk.over = 0;
	} else if (walk.held_us >= BUDGET_US && ++walk.over >= BATCH_MOST) {
		complain(held, "%u calls in one softirq after %u us, tick %lu", walk.over,
			 walk.held_us, walk.tick);
	}
	if (s->tick == now.ticks)
		complain(twice, "a timer was called twice in tick %lu", now.ticks);
	s->tick = now.ticks;
	if (s->us) {
		delay_us(s->us);
		walk.us += s->us;
		walk.held_us += s->us;
		s->us = 0;
		walk.end = jiffy();
		walk.end_ns = ktime_get_ns();
	}
	sum.spread = max(sum.spread, walk.end - walk.point);
}

static void days_watchdog(struct device *dev, void *context)
{
	struct subject *s = context;
	unsigned long now = jiffies;

	s->calls++;
	if (unlikely(slow_day))
		slow_watchdog(s);
	else if (now - s->last != HZ || dev != &s->dev)
		complain(off_time, "a call %ld jiffies late",
			 (long)(now - s->last - HZ));
	s->last = now;
	if (s->left && !--s->left)
		iotimer_stop(s->timer);
}

/* The first subject's routine, which reads the clock too. */
static void clock_watchdog(struct device *dev, void *context)
{
	sum.last_ns = ktime_get_ns();
	if (!sum.first_ns)
		sum.first_ns = sum.last_ns;
	days_watchdog(dev, context);
}

/* The thread. It runs between ticks, and on the slow day between steps too. */

/* May the walk be paused? */
static bool walk_may_be_on(void)
{
	return walk.us >= BUDGET_US;
}

/* How many calls must a timer have had since its start? */
static void get_expected(const struct subject *s, unsigned long *least, unsigned long *most)
{
	if (!slow_day) {
		*least = (point_of(jiffies) - point_of(s->since)) / HZ;
		*most = *least;
	} else {
		*most = stats().ticks - s->since;
		*least = *most - (walk_may_be_on() && *most);
		*most += s->unsure;
	}
	if (s->limit) {
		*least = min(*least, s->limit + 0ul);
		*most = min(*most, s->limit + 0ul);
	}
}

/* P2, P3: check the number of calls. Called before a timer is stopped. */
static void settle(struct subject *s)
{
	unsigned long least, most;

	get_expected(s, &least, &most);
	if (s->calls < least || s->calls > most)
		complain(count, "%lu calls instead of %lu to %lu", s->calls, least, most);
	sum.calls += s->calls;
	sum.expected += least;
	s->running = false;
	s->us = 0;
}

static void start(struct subject *s, unsigned int limit)
{
	s->calls = 0;
	s->left = limit;
	s->limit = limit;
	s->last = point_of(jiffies);
	s->since = slow_day ? stats().ticks : jiffies;
	s->unsure = slow_day && walk_may_be_on();
	s->running = true;
	if (!iotimer_start(s->timer))
		complain(answer, "a stopped timer was said to be running");
	sum.starts++;
}

static void stop(struct subject *s)
{
	bool on = !s->limit || s->calls < s->limit;

	settle(s);
	if ((below(2) ? iotimer_stop(s->timer) : iotimer_stop_sync(s->timer)) != on)
		complain(answer, "a timer was said to be %s", on ? "stopped" : "running");
	sum.stops++;
}

/* Count our timers in the timer's page, a chunk, to notice chunks that come and go. */
static int count_chunk(struct iotimer *timer, int change)
{
	unsigned long page = (unsigned long)timer >> 12;
	void *entry = xa_load(&chunks, page);
	long was = entry ? xa_to_value(entry) : 0;

	sum.chunks_came += !was;
	sum.chunks_went += !(was + change);
	if (!(was + change)) {
		xa_erase(&chunks, page);
		return 0;
	}
	return xa_err(xa_store(&chunks, page, xa_mk_value(was + change), GFP_KERNEL));
}

static int create(struct subject *s)
{
	struct iotimer *timer;
	int err;

	s->tick = 0;	/* this walk may still come to the new timer's slot */
	timer = iotimer_create(&s->dev, s == subjects ? clock_watchdog : days_watchdog, s);
	if (IS_ERR(timer))
		return PTR_ERR(timer);
	err = count_chunk(timer, 1);
	if (err) {
		iotimer_destroy(timer);
		return err;
	}
	s->timer = timer;
	nr_moving += s - subjects >= timers;
	sum.created++;
	return 0;
}

static void destroy(struct subject *s)
{
	struct iotimer *timer = s->timer;
	int err;

	if (!timer)
		return;
	if (s->running)
		settle(s);
	s->timer = NULL;
	err = count_chunk(timer, -1);
	WARN_ON_ONCE(err);	/* nothing to allocate */
	iotimer_destroy(timer);
	nr_moving -= s - subjects >= timers;
	sum.destroyed++;
}

static void destroy_moving(void)
{
	unsigned int i;

	for (i = timers; i < nr_subjects; i++)
		destroy(&subjects[i]);
}

/* Most timers run until they are stopped, some stop themselves after some calls. */
static unsigned int some_limit(void)
{
	return below(4) ? 0 : 1 + below(5);
}

static int move_one(struct subject *s)
{
	int err;

	if (s->timer && nr_moving > target && below(2)) {
		destroy(s);
	} else if (s->timer && s->running) {
		stop(s);
	} else if (s->timer) {
		start(s, some_limit());
	} else if (nr_moving < target) {
		err = create(s);
		if (err)
			return err;
		if (below(4))
			start(s, some_limit());
	}
	return 0;
}

/* Move a few timers. Rarely destroy all that move, or create and start all. */
static int move_some(unsigned int rarely)
{
	struct subject *s;
	unsigned int n;
	int err = 0;

	if (slow_day && walk_may_be_on())
		walk.moved = stats().ticks;
	if (!below(256))
		target = below(MOVING + 1);
	if (below(rarely)) {
		for (n = below(8); n && !err; n--)
			err = move_one(&subjects[timers + below(MOVING)]);
	} else if (nr_moving > MOVING / 4) {
		walk.wiped = walk.moved;
		destroy_moving();
	} else {
		for (s = subjects + timers; s < subjects + nr_subjects && !err; s++) {
			if (!s->timer)
				err = create(s);
			if (!err && !s->running)
				start(s, some_limit());
		}
	}
	return err;
}

/* Make the next call of some routines slow. */
static void plan(bool overrun)
{
	struct subject *s;
	unsigned int n;

	for (n = below(6); n; n--) {
		unsigned int us = UNIT_US * (1 + below(below(2) ? 20 : 1000));

		s = &subjects[below(nr_subjects)];
		if (s->running && walk.planned_us + us < PLANNED_US) {
			s->us = us;
			walk.planned_us += us;
		}
	}
	if (overrun && !below(40)) {
		s = &subjects[below(nr_subjects)];
		if (s->running)
			s->us = OVERRUN_US * (1 + below(110)) + UNIT_US * (100 + below(4000));
	}
}

static void sleep_jiffies(unsigned long n)
{
	schedule_timeout_uninterruptible(n);
}

static void start_all(void)
{
	unsigned int i;

	for (i = 0; i < timers; i++)
		start(&subjects[i], 0);
}

/* Stop the timers that stay. Each must have been called as often as the first. */
static unsigned long stop_all(void)
{
	unsigned int i;

	for (i = 0; i < timers; i++) {
		if (subjects[i].calls != subjects[0].calls)
			complain(uneven, "%lu calls here, %lu there", subjects[i].calls,
				 subjects[0].calls);
		stop(&subjects[i]);
	}
	return subjects[0].calls;
}

static void progress(const char *what, unsigned long day, unsigned long of)
{
	pr_info("%s %lu of %lu: %lu ticks since loading, %u moving timers here\n", what, day, of,
		stats().ticks, nr_moving);
}

/* P2, P3: the days on which routines take no time. */
static int run_days(void)
{
	struct iotimer_stats from = stats(), to;
	unsigned long begin = jiffies, first, seconds, calls, day;
	s64 drift_ns;
	int err = 0;

	start_all();
	first = point_of(begin) + HZ;
	for (day = 1; day <= days && !err; day++) {
		while (jiffies - begin < day * DAY && !err) {
			sleep_jiffies(1 + below(2 * HZ));
			err = move_some(256);
		}
		progress("day", day, days);
	}
	if (err)
		return err;
	seconds = (point_of(jiffies) - first) / HZ + 1;
	calls = stop_all();
	destroy_moving();
	to = stats();
	to.ticks -= from.ticks;
	to.missed -= from.missed;
	to.wakeups -= from.wakeups;
	drift_ns = sum.last_ns - sum.first_ns - (calls - 1ull) * NSEC_PER_SEC;

	pr_info("%u timers for %u days: %lu calls of each, %lu ticks, %lu missed, %lu wakeups\n",
		timers, days, calls, to.ticks, to.missed, to.wakeups);
	pr_info("drift: %ld jiffies, %lld ns by the clock\n",
		(long)(subjects[0].last - first - (calls - 1) * HZ), drift_ns);
	check(calls >= days * 86400ul - 1, "%u days were run", days);
	check(calls == seconds && !wrong.uneven,
	      "each of %u timers was called %lu times, once a second", timers, seconds);
	check(!wrong.off_time,
	      "each call came HZ jiffies after the one before, the first in time");
	check(subjects[0].last == first + (seconds - 1) * HZ,
	      "the last call lies on the first one's grid");
	check(abs(drift_ns) < TICK_NSEC, "there is no drift against the clock either");
	check(to.ticks == seconds && !to.missed, "no tick was missed");
	check(to.wakeups >= 2 * to.ticks && to.wakeups <= 3 * to.ticks + 3,
	      "a tick took two or three wake-ups");
	return 0;
}

/* How long to sleep. Half of the times until the next tick's walk may be paused. */
static unsigned long nap(void)
{
	return below(2) ? 1 + below(HZ / 2) : point_of(jiffies) + HZ - jiffies + below(10);
}

/* Half a day of slow routines. */
static int run_half(bool overrun)
{
	unsigned long begin = jiffies;
	int err = 0;

	while (jiffies - begin < DAY / 2 && !err) {
		plan(overrun);
		sleep_jiffies(nap());
		err = move_some(walk_may_be_on() ? 16 : 64);
	}
	return err;
}

/* P2, P7: what was counted in the slow day, with its ticks since it began */
static void check_slow_day(unsigned long calls, unsigned long begin,
			   const struct iotimer_stats *ran)
{
	pr_info("%u slow timers for a day: %lu calls of each, %lu ticks in %lu steps\n",
		timers, calls, ran->ticks, sum.steps);
	pr_info("%lu ticks cut, %lu late, %lu missed, %lu wakeups\n", sum.cut_ticks,
		sum.late_ticks, ran->missed, ran->wakeups);
	check(calls == ran->ticks && !wrong.uneven,
	      "each of %u timers was called once in each of %lu ticks", timers, ran->ticks);
	check(!wrong.twice, "none was called twice in a tick");
	check(sum.missed && ran->missed == sum.missed,
	      "%lu ticks had to be missed, and were counted", sum.missed);
	check(!wrong.burst && ran->ticks + ran->missed == (walk.point - begin) / HZ,
	      "none was made up for: at most one in each of %lu seconds",
	      (walk.point - begin) / HZ);
	check(sum.late_ticks && !wrong.begun,
	      "each began on the grid, or as soon as the one before and the wheel let it");
	check(!wrong.cut_early, "none was cut before its budget was used up");
	check(!wrong.held, "no softirq called more than %d routines after that", BATCH_MOST);
	check(!wrong.resumed, "each went on as long after that as it took, or a jiffy");
	check(sum.moves_in_walk && sum.wipes_in_walk,
	      "timers came and went between two steps %lu times, all that move went %lu times",
	      sum.moves_in_walk, sum.wipes_in_walk);
}

static int run_slow_day(void)
{
	struct iotimer_stats from = stats(), half, to;
	unsigned long begin, calls, late;
	int err;

	walk.tick = from.ticks;
	walk.point = point_of(jiffies);
	walk.end = walk.point;
	begin = walk.point;
	slow_day = true;
	start_all();

	err = run_half(false);
	if (err)
		return err;
	half = stats();
	late = sum.late_ticks;
	check(sum.cut_ticks > DAY / HZ / 4, "%lu ticks had to be cut, into %lu steps in all",
	      sum.cut_ticks, sum.steps);
	check(half.missed == from.missed && !late,
	      "while only the budget is overrun, every tick begins on the grid");
	check(sum.spread > 1 && sum.spread < HZ,
	      "and ends within its second, after %lu jiffies at most", sum.spread);
	progress("half", 1, 2);

	err = run_half(true);
	if (err)
		return err;
	late = sum.late_ticks;
	sleep_jiffies(30 * HZ);
	while (walk_may_be_on())
		sleep_jiffies(HZ / 3);
	check(sum.late_ticks - late <= 5 && walk.end - walk.point < HZ,
	      "after the last overrun it is back on the grid");
	calls = stop_all();
	to = stats();
	to.ticks -= from.ticks;
	to.missed -= from.missed;
	to.wakeups -= from.wakeups;
	progress("half", 2, 2);

	check_slow_day(calls, begin, &to);
	return 0;
}

static void release(struct device *dev)
{
	released++;
}

/*
 * A chunk has 127 slots. The timers that stay fill most of some chunks. Between these
 * are chunks in which all timers move.
 */
static int create_all(void)
{
	unsigned int i, moving = timers, n;
	int err = 0;

	for (i = 0; i < timers && !err; i++) {
		err = create(&subjects[i]);
		if (i % 117 != 116)
			continue;
		n = i % 234 == 233 ? 10 + 127 : 10;
		for (; n && moving < nr_subjects && !err; n--)
			err = create(&subjects[moving++]);
	}
	return err;
}

static void note_grid(struct device *dev, void *context)
{
	grid = jiffies;
	grid_ns = ktime_get_ns();
	*(bool *)context = true;
}

/* Find the grid by the first call of a timer. */
static int find_grid(void)
{
	unsigned int jiffies_left = 3 * HZ;
	struct iotimer *timer;
	bool found = false;

	timer = iotimer_create(&subjects[0].dev, note_grid, &found);
	if (IS_ERR(timer))
		return PTR_ERR(timer);
	iotimer_start(timer);
	while (!READ_ONCE(found) && jiffies_left--)
		sleep_jiffies(1);
	iotimer_destroy(timer);
	return found ? 0 : -ETIME;
}

static int run(void)
{
	int err;

	err = find_grid();
	if (!err)
		err = create_all();
	if (!err)
		err = run_days();
	if (!err)
		err = run_slow_day();
	return err;
}

static int __init iotimer_days_init(void)
{
	unsigned int i;
	int err;

	if (num_online_cpus() != 1 || !timers || !days)
		return -EINVAL;
	prandom_seed_state(&rnd, seed);
	nr_subjects = timers + MOVING;
	subjects = kvcalloc(nr_subjects, sizeof(*subjects), GFP_KERNEL);
	if (!subjects)
		return -ENOMEM;
	for (i = 0; i < nr_subjects; i++) {
		device_initialize(&subjects[i].dev);
		subjects[i].dev.release = release;
	}
	pr_info("seed %u, HZ %d\n", seed, HZ);

	err = run();

	for (i = 0; i < nr_subjects; i++) {
		destroy(&subjects[i]);
		put_device(&subjects[i].dev);
	}
	pr_info("%lu timers added, %lu removed, %lu started, %lu stopped, %lu chunks came, %lu went\n",
		sum.created, sum.destroyed, sum.starts, sum.stops, sum.chunks_came,
		sum.chunks_went);
	pr_info("%llu calls in all, %llu demanded at the least\n", sum.calls, sum.expected);
	check(!wrong.count, "each timer that moves was called as often as expected");
	check(!wrong.answer, "start and stop always told whether the timer was running");
	check(sum.created > nr_subjects && sum.created == sum.destroyed && released == nr_subjects,
	      "all timers and devices are gone");
	check(sum.chunks_came > 100 && sum.chunks_came == sum.chunks_went && xa_empty(&chunks),
	      "chunks came and went");
	xa_destroy(&chunks);
	kvfree(subjects);
	return err;
}

static void __exit iotimer_days_exit(void)
{
}

module_init(iotimer_days_init);
module_exit(iotimer_days_exit);

MODULE_DESCRIPTION("Days of ticks, exact to the jiffy");
MODULE_LICENSE("GPL");
