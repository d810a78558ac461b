// SPDX-License-Identifier: GPL-2.0-only
// spatch cannot parse such a macro's arguments, so the file stays as it is.
#include <linux/timer.h>

#define ODD_UNLESS(condition, then) do { if (!(condition)) then } while (0)

struct odd {
	struct timer_list timer;
	int errors;
	bool fast;
};

static void odd_timed_out(struct timer_list *t)
{
	struct odd *odd = from_timer(odd, t, timer);

	odd->errors++;
}

void odd_request(struct odd *odd)
{
	ODD_UNLESS(odd->fast, {
		mod_timer(&odd->timer, jiffies + 3 * HZ);
	});
}

void odd_setup(struct odd *odd)
{
	timer_setup(&odd->timer, odd_timed_out, 0);
}

void odd_answer(struct odd *odd)
{
	timer_delete(&odd->timer);
}
