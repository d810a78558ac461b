// SPDX-License-Identifier: GPL-2.0-only
/*
 * sdhci_lose - lose interrupts of an SD host, and measure when the driver notices
 *
 * Puts operations of its own in front of those that sdhci-pci has for its first
 * host. Unload before the host is unbound. Built beside the driver, because struct
 * sdhci_host depends on whether the driver is converted.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "sdhci.h"
#include "sdhci-pci.h"
#ifdef _IO_TIMEOUT_H			/* the driver is converted */
#include "iotimer.h"
#endif

/* How many interrupts to lose; protected by host->lock, but for what a user writes. */
static unsigned int command;
module_param(command, uint, 0644);
MODULE_PARM_DESC(command, "lose so many of the next interrupts that end a command");

static unsigned int data;
module_param(data, uint, 0644);
MODULE_PARM_DESC(data, "lose so many of the next interrupts that belong to data");

static struct pci_dev *pci;
static struct sdhci_host *host;
static const struct sdhci_ops *driver_ops;
static struct sdhci_ops ops;		/* the driver's, with those below instead */

/* Protected by host->lock. */
static struct {
	ktime_t began;			/* the last command */
	bool lost;			/* one of its interrupts was lost */
	unsigned int timeouts;
	unsigned int unlocked;		/* time-outs that came without host->lock */
	s64 min_ms, max_ms, last_ms;	/* from the command to its time-out */
} seen = { .min_ms = S64_MAX };

static int report_get(char *buffer, const struct kernel_param *kp)
{
	unsigned long flags;
	int length;

	spin_lock_irqsave(&host->lock, flags);
	length = sysfs_emit(buffer,
			    "timeouts=%u unlocked=%u min_ms=%lld max_ms=%lld last_ms=%lld\n",
			    seen.timeouts, seen.unlocked, seen.min_ms, seen.max_ms,
			    seen.last_ms);
	spin_unlock_irqrestore(&host->lock, flags);
	return length;
}

static const struct kernel_param_ops report_ops = {
	.get = report_get,
};
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "the time-outs of commands whose interrupt was lost");

#ifdef _IO_TIMEOUT_H
/*
 * Hold the lock across the tick at which the command's time is up, and let it go with
 * a countdown of 3 s, as a handler would that ends the command and begins the next.
 * -EBUSY: no tick came, since it would have come on this CPU.
 */
static int hold_set(const char *val, const struct kernel_param *kp)
{
	struct iotimer_stats before, now;
	unsigned long flags;
	bool due;

	do {
		msleep(20);
		spin_lock_irqsave(&host->lock, flags);
		due = io_countdown_due(&host->timer);
		if (!due && !io_countdown_running(&host->timer)) {
			spin_unlock_irqrestore(&host->lock, flags);
			return -ENODATA;
		}
		if (!due)
			spin_unlock_irqrestore(&host->lock, flags);
	} while (!due);
	iotimer_get_stats(&before);
	for (unsigned int ms = 0; ms < 2000; ms++) {
		mdelay(1);
		iotimer_get_stats(&now);
		if (now.ticks != before.ticks)
			break;
	}
	mdelay(50);	/* until its routine has got to the lock, or past it */
	io_countdown_set(&host->timer, 3);
	spin_unlock_irqrestore(&host->lock, flags);
	return now.ticks != before.ticks ? 0 : -EBUSY;
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
};
module_param_cb(hold, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold, "write to hold the host's lock across the tick of a time-out");
#endif

static void note_command(struct sdhci_host *unused, u16 val, int reg)
{
	if (reg == SDHCI_COMMAND) {
		seen.began = ktime_get();
		seen.lost = false;
	}
	if (driver_ops->write_w)
		driver_ops->write_w(host, val, reg);
	else
		writew(val, host->ioaddr + reg);
}

/* Called by the handler, under host->lock, with the causes. */
static u32 lose(struct sdhci_host *unused, u32 causes)
{
	u32 lost = 0;

	if (driver_ops->irq)
		causes = driver_ops->irq(host, causes);
	if (command && (causes & SDHCI_INT_RESPONSE)) {
		command--;
		lost |= causes & SDHCI_INT_CMD_MASK;
	}
	if (data && (causes & SDHCI_INT_DATA_END)) {
		data--;
		lost |= causes & SDHCI_INT_DATA_MASK;
	}
	if (lost) {
		seen.lost = true;
		sdhci_writel(host, lost, SDHCI_INT_STATUS);
	}
	return causes & ~lost;
}

/* The driver dumps the registers at a time-out. */
static void note_timeout(struct sdhci_host *unused)
{
	if (seen.lost) {
		seen.last_ms = ktime_ms_delta(ktime_get(), seen.began);
		seen.min_ms = min(seen.min_ms, seen.last_ms);
		seen.max_ms = max(seen.max_ms, seen.last_ms);
		seen.timeouts++;
		seen.unlocked += !spin_is_locked(&host->lock);
		seen.lost = false;
	}
	if (driver_ops->dump_vendor_regs)
		driver_ops->dump_vendor_regs(host);
}

static void use_ops(const struct sdhci_ops *new)
{
	unsigned long flags;

	spin_lock_irqsave(&host->lock, flags);
	host->ops = new;
	spin_unlock_irqrestore(&host->lock, flags);
}

static int __init lose_init(void)
{
	struct sdhci_pci_chip *chip;

	do {
		pci = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pci);
	} while (pci && pci->class >> 8 != PCI_CLASS_SYSTEM_SDHCI);
	chip = pci ? pci_get_drvdata(pci) : NULL;
	if (!chip) {
		pr_err("sdhci_lose: sdhci-pci is not bound to a host\n");
		pci_dev_put(pci);
		return -ENODEV;
	}
	host = chip->slots[0]->host;
	driver_ops = host->ops;
	ops = *driver_ops;
	ops.write_w = note_command;
	ops.irq = lose;
	ops.dump_vendor_regs = note_timeout;
	use_ops(&ops);
	return 0;
}

static void __exit lose_exit(void)
{
	use_ops(driver_ops);
	pci_dev_put(pci);
}

module_init(lose_init);
module_exit(lose_exit);
MODULE_DESCRIPTION("Lose interrupts of an SD host");
MODULE_LICENSE("GPL");
