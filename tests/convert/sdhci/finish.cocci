// SPDX-License-Identifier: GPL-2.0-only
// What an author does after scripts/semantic/request.cocci has turned the two timers of sdhci
// into countdowns.

@@
@@
 #include "sdhci.h"
+#include "iotimer.h"

// Both countdowns have one watchdog.
@@
symbol host, mmc, flags;
@@
 struct sdhci_host {
 ...
+	struct iotimer *watchdog;
 struct io_countdown timer;
 ...
 };

// Start on demand, under the host's lock. An enabled timer costs one read of a bit.
@@
identifier mrq, timeout;
@@
 sdhci_mod_timer(struct sdhci_host *host, struct mmc_request *mrq, unsigned long timeout)
 {
 ...
 if (...) io_countdown_set(&host->data_timer, ...);
 else io_countdown_set(&host->timer, ...);
+
+	if (!iotimer_enabled(host->watchdog))
+		iotimer_start(host->watchdog);
 }

// The watchdog holds the lock while it counts. A countdown that it finds at zero therefore belongs
// to the command that is in the host now.
@@
@@
 static void sdhci_timeout_timer(struct sdhci_host *host)
 {
-unsigned long flags;
 ...
-spin_lock_irqsave(&host->lock, flags);
+lockdep_assert_held(&host->lock);
 ...
-spin_unlock_irqrestore(&host->lock, flags);
 }

@@
@@
 static void sdhci_timeout_data_timer(struct sdhci_host *host)
 {
-unsigned long flags;
 ...
-spin_lock_irqsave(&host->lock, flags);
+lockdep_assert_held(&host->lock);
 ...
-spin_unlock_irqrestore(&host->lock, flags);
 }
+static void sdhci_watchdog(struct device *dev, void *context)
+{
+	struct sdhci_host *host = context;
+	unsigned long flags;
+
+	/* Once a second while a command is outstanding. */
+	spin_lock_irqsave(&host->lock, flags);
+
+	if (io_countdown_tick(&host->timer))
+		sdhci_timeout_timer(host);
+	if (io_countdown_tick(&host->data_timer))
+		sdhci_timeout_data_timer(host);
+	if (!io_countdown_running(&host->timer) &&
+	    !io_countdown_running(&host->data_timer))
+		iotimer_stop(host->watchdog);
+	spin_unlock_irqrestore(&host->lock, flags);
+}

// Nothing needs the watchdog once the host's interrupt is freed.
@@
@@
-io_countdown_clear(&host->timer);
-io_countdown_clear(&host->data_timer);

@@
@@
+iotimer_destroy(host->watchdog);
 destroy_workqueue(host->complete_wq);

// The timer belongs to the class device: a PCI device may have several hosts.
@@
@@
 io_countdown_init(&host->data_timer);
+
+	host->watchdog = iotimer_create(mmc_classdev(mmc), sdhci_watchdog, host);
+	if (IS_ERR(host->watchdog)) {
+		destroy_workqueue(host->complete_wq);
+		return PTR_ERR(host->watchdog);
+	}
