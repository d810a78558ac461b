// SPDX-License-Identifier: GPL-2.0-only
/*
 * sdhci_glue - suspend an SD host after it was removed
 *
 * Some drivers do: they call sdhci_remove_host(), and runtime PM suspends the device
 * later. A timer that was created meanwhile may have the memory of the host's, and
 * must go on. The host's registers are memory, with no card; so no command ends, and
 * none is sent. Loading fails with -EIO if the timer was stopped.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "sdhci.h"
#ifdef _IO_TIMEOUT_H			/* the driver is converted */
#include "iotimer.h"
#endif

#define IRQ	7			/* of ISA; nobody raises it */

static u32 registers[SZ_256 / 4];

static void no_reset(struct sdhci_host *host, u8 mask) {}
static void no_clock(struct sdhci_host *host, unsigned int clock) {}
static void no_width(struct sdhci_host *host, int width) {}
static void no_signaling(struct sdhci_host *host, unsigned int timing) {}

static const struct sdhci_ops ops = {
	.reset = no_reset,
	.set_clock = no_clock,
	.set_bus_width = no_width,
	.set_uhs_signaling = no_signaling,
};

#ifdef _IO_TIMEOUT_H
static void nothing(struct device *dev, void *context) {}

/* Does a timer that was created after the host was removed survive its suspend? */
static int suspend_removed(struct sdhci_host *host, struct device *dev)
{
	struct iotimer *timer = iotimer_create(dev, nothing, NULL);
	bool enabled;

	if (IS_ERR(timer))
		return PTR_ERR(timer);
	iotimer_start(timer);
	sdhci_runtime_suspend_host(host);
	enabled = iotimer_enabled(timer);
	iotimer_destroy(timer);
	return enabled ? 0 : -EIO;
}
#else
static int suspend_removed(struct sdhci_host *host, struct device *dev)
{
	sdhci_runtime_suspend_host(host);
	return 0;
}
#endif

static int remove_and_suspend(struct device *dev)
{
	struct sdhci_host *host = sdhci_alloc_host(dev, 0);
	int err;

	if (IS_ERR(host))
		return PTR_ERR(host);
	/* 3.3 V, and clocks of 50 MHz. */
	registers[SDHCI_CAPABILITIES / 4] = SDHCI_CAN_VDD_330 | 50 << SDHCI_CLOCK_BASE_SHIFT |
					    SDHCI_TIMEOUT_CLK_UNIT | 50;
	host->hw_name = "sdhci_glue";
	host->ioaddr = (void __iomem *)registers;
	host->irq = IRQ;
	host->ops = &ops;
	host->quirks = SDHCI_QUIRK_BROKEN_DMA | SDHCI_QUIRK_BROKEN_ADMA;
	err = sdhci_add_host(host);
	if (!err) {
		sdhci_remove_host(host, 0);
		err = suspend_removed(host, dev);
	}
#ifdef HAVE_SDHCI_FREE_HOST
	sdhci_free_host(host);
#endif
	return err;
}

static int __init glue_init(void)
{
	struct platform_device *pdev = platform_device_register_simple("sdhci_glue", -1, NULL, 0);
	int err;

	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = remove_and_suspend(&pdev->dev);
	platform_device_unregister(pdev);
	return err;
}

static void __exit glue_exit(void)
{
}

module_init(glue_init);
module_exit(glue_exit);
MODULE_DESCRIPTION("Suspend an SD host after it was removed");
MODULE_LICENSE("GPL");
