// SPDX-License-Identifier: GPL-2.0-only
// cases/request.c, converted by scripts/convert and finished by hand, as the manual shows.
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include "io_timeout.h"
#include "iotimer.h"

#define CARD_LIMIT 5	/* seconds */
#define CARD_START 0
#define CARD_RESET 1

struct card {
	void __iomem *regs;
	spinlock_t lock;	/* protects the countdown and the registers */
	struct io_countdown timer;	/* times out what the card does */
	struct iotimer *iotimer;	/* runs while the countdown does */
};

static void card_watchdog(struct device *dev, void *context)
{
	struct card *card = context;
	unsigned long flags;
	bool timed_out;

	spin_lock_irqsave(&card->lock, flags);
	timed_out = io_countdown_tick(&card->timer);
	if (timed_out)
		writel(CARD_RESET, card->regs);
	if (!io_countdown_running(&card->timer))
		iotimer_stop(card->iotimer);
	spin_unlock_irqrestore(&card->lock, flags);
	if (timed_out)
		dev_err(dev, "timed out, resetting\n");
}

static ssize_t start_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct card *card = dev_get_drvdata(dev);
	unsigned long flags;

	spin_lock_irqsave(&card->lock, flags);
	io_countdown_set(&card->timer, CARD_LIMIT);
	if (!iotimer_enabled(card->iotimer))
		iotimer_start(card->iotimer);
	writel(CARD_START, card->regs);
	spin_unlock_irqrestore(&card->lock, flags);
	return count;
}
static DEVICE_ATTR_WO(start);

static struct attribute *card_attrs[] = { &dev_attr_start.attr, NULL };
ATTRIBUTE_GROUPS(card);

static irqreturn_t card_interrupt(int irq, void *data)
{
	struct card *card = data;
	irqreturn_t handled = IRQ_NONE;

	spin_lock(&card->lock);
	if (io_countdown_running(&card->timer)) {
		io_countdown_clear(&card->timer);
		handled = IRQ_HANDLED;
	}
	spin_unlock(&card->lock);
	return handled;
}

static int card_probe(struct platform_device *pdev)
{
	struct card *card = devm_kzalloc(&pdev->dev, sizeof(*card), GFP_KERNEL);
	int irq = platform_get_irq(pdev, 0);

	if (!card)
		return -ENOMEM;
	if (irq < 0)
		return irq;
	card->regs = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(card->regs))
		return PTR_ERR(card->regs);
	spin_lock_init(&card->lock);
	io_countdown_init(&card->timer);
	card->iotimer = devm_iotimer_create(&pdev->dev, card_watchdog, card);
	if (IS_ERR(card->iotimer))
		return PTR_ERR(card->iotimer);
	platform_set_drvdata(pdev, card);
	return devm_request_irq(&pdev->dev, irq, card_interrupt, 0, "card", card);
}

static void card_shutdown(struct platform_device *pdev)
{
	struct card *card = platform_get_drvdata(pdev);

	iotimer_stop_sync(card->iotimer);
}

static struct platform_driver card_driver = {
	.probe = card_probe,
	.shutdown = card_shutdown,
	.driver = {
		.name = "card",
		.dev_groups = card_groups,
	},
};
module_platform_driver(card_driver);
MODULE_LICENSE("GPL");
