// SPDX-License-Identifier: GPL-2.0-only
// One timer for each request, with the time-out in seconds. The manual finishes it by hand.
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define CARD_LIMIT 5	/* seconds */
#define CARD_START 0
#define CARD_RESET 1

struct card {
	struct device *dev;
	void __iomem *regs;
	spinlock_t lock;	/* protects the timer and the registers */
	struct timer_list timer;	/* times out what the card does */
};

static void card_timed_out(struct timer_list *t)
{
	struct card *card = from_timer(card, t, timer);
	unsigned long flags;

	spin_lock_irqsave(&card->lock, flags);
	dev_err(card->dev, "timed out, resetting\n");
	writel(CARD_RESET, card->regs);
	spin_unlock_irqrestore(&card->lock, flags);
}

static ssize_t start_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct card *card = dev_get_drvdata(dev);
	unsigned long flags;

	spin_lock_irqsave(&card->lock, flags);
	mod_timer(&card->timer, jiffies + CARD_LIMIT * HZ);
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
	if (timer_pending(&card->timer)) {
		del_timer(&card->timer);
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
	card->dev = &pdev->dev;
	spin_lock_init(&card->lock);
	timer_setup(&card->timer, card_timed_out, 0);
	platform_set_drvdata(pdev, card);
	return devm_request_irq(&pdev->dev, irq, card_interrupt, 0, "card", card);
}

static void card_shutdown(struct platform_device *pdev)
{
	struct card *card = platform_get_drvdata(pdev);

	del_timer_sync(&card->timer);
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
