// SPDX-License-Identifier: GPL-2.0-only
// Arms itself on some paths only, and gets its struct in two steps. Names no device.
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timer.h>

struct link {
	struct timer_list watchdog;
	int packets;
	bool up;
};

static void link_watchdog(struct timer_list *t)
{
	struct link *link;
	int packets;

	link = from_timer(link, t, watchdog);
	packets = link->packets;
	if (!link->up)
		return;
	link->packets = 0;
	if (packets)
		mod_timer(&link->watchdog, jiffies + msecs_to_jiffies(1000));
}

struct link *link_new(void);
struct link *link_new(void)
{
	struct link *link = kzalloc(sizeof(*link), GFP_KERNEL);

	if (link)
		timer_setup(&link->watchdog, link_watchdog, 0);
	return link;
}

void link_packet(struct link *link);
void link_packet(struct link *link)
{
	link->packets++;
	if (!timer_pending(&link->watchdog))
		mod_timer(&link->watchdog, jiffies + HZ);
}

void link_open(struct link *link);
void link_open(struct link *link)
{
	link->up = true;
	link->watchdog.expires = jiffies + HZ;
	add_timer(&link->watchdog);
}

void link_close(struct link *link);
void link_close(struct link *link)
{
	link->up = false;
	if (timer_pending(&link->watchdog))
		del_timer_sync(&link->watchdog);
}
MODULE_LICENSE("GPL");
