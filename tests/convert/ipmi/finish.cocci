// SPDX-License-Identifier: GPL-2.0-only
// ipmi_msghandler: each of the 64 slots of an interface gets an io_countdown, and the one timer of all
// interfaces becomes an iotimer for each interface.
//
// A slot is in use while its countdown runs: one state instead of two.
//
// At a tick the timer is stopped, then the slots are looked at, then the timer is started again if
// one is in use. A message that is sent meanwhile starts the timer after that stop, or its slot is
// seen. So a message always has a tick, without another lock.
//
// Newer kernels guard the slots by a mutex and look at them in a work. This work becomes one of each
// interface, which the routine queues.
//
// A tick takes the slots in turn, and drops their lock while it sends a message again. `counted` tells
// which slots it has done. A slot that is used when its turn is still to come has not seen that
// second, so its countdown gets one more. A work may also begin late: while `tick_due` is set, a tick
// has come that no work has begun to count. It is cleared, as a full barrier, before the work reads
// anything, so a tick that finds it set needs no work of its own.

// Rules that depend on this one are for the newer kernels.
@queued@
symbol intf, si_dev, need_timer, false, stop_operation, ipmi_interfaces, ipmi_interfaces_srcu, link;
symbol true, ipmi_timer, ipmi_timer_work, ipmi_interfaces_mutex, smi_watchers_mutex, jiffies, rv;
identifier w;
@@
 static void ipmi_timeout_work(struct work_struct *w) { ... }

// ---- The slots

@slots@
@@
 struct seq_table {
-unsigned int inuse : 1;
 ...
-unsigned long timeout;
-unsigned long orig_timeout;
 ...
 struct ipmi_recv_msg *recv_msg;
+struct io_countdown left;
+int limit;
 };

// A countdown that has run out is not running, so the slot is free again without a further step.
@@
identifier ent, period, slot;
@@
 static void check_msg_timeout(struct ipmi_smi *intf, struct seq_table *ent, ...,
-	unsigned long period,
	int slot, ...)
 {
 ...
+lockdep_assert_held(&intf->seq_lock);
+intf->counted = slot + 1;
 if (intf->in_shutdown) return;
 if (!ent->inuse) return;
-if (period < ent->timeout) {
-	ent->timeout -= period;
+if (!io_countdown_tick(&ent->left)) {
 ...
 }
 if (ent->retries_left == 0) {
 ...
-ent->inuse = 0;
 ...
 } else { ... }
 }

@@
expression list before, after;
identifier period;
@@
 ipmi_timeout_handler(struct ipmi_smi *intf, unsigned long period)
 {
 <...
 check_msg_timeout(before,
-	period,
	after)
 ...>
 }

@@
expression E;
@@
 ipmi_add_smi(...)
 {
 <...
-E.inuse = 0;
+io_countdown_init(&E.left);
 ...>
 }

@@
expression E, F, ms;
@@
(
-E.inuse = 0;
+io_countdown_clear(&E.left);
|
-E->inuse = 0;
+io_countdown_clear(&E->left);
|
-E.inuse = 1;
|
-E.timeout = MAX_MSG_TIMEOUT;
+io_countdown_set(&E.left, MAX_MSG_TIMEOUT / MSEC_PER_SEC);
|
-E->timeout = MAX_MSG_TIMEOUT;
+io_countdown_set(&E->left, MAX_MSG_TIMEOUT / MSEC_PER_SEC);
|
-E.orig_timeout = ms;
+E.limit = io_timeout_from_ms(ms);
|
-E->timeout = F->orig_timeout;
+io_countdown_set(&E->left, F->limit);
)

@@
expression E;
@@
(
-E.inuse
+io_countdown_running(&E.left)
|
-E->inuse
+io_countdown_running(&E->left)
)

@@
expression slot, limit;
@@
 intf_next_seq(struct ipmi_smi *intf, ...)
 {
 <...
 io_countdown_set(&intf->seq_table[slot].left,
-	limit
+	limit + uncounted_ticks(intf, slot)
	)
 ...>
 }

@@
symbol seq;
expression C, limit;
@@
 intf_start_seq_timer(struct ipmi_smi *intf, ...)
 {
 <...
 io_countdown_set(C,
-	limit
+	limit + uncounted_ticks(intf, seq)
	)
 ...>
 }

@@
identifier slot, e, l;
expression C, limit;
@@
 check_msg_timeout(struct ipmi_smi *intf, struct seq_table *e, struct list_head *l, int slot, ...)
 {
 <...
 io_countdown_set(C,
-	limit
+	limit + uncounted_ticks(intf, slot)
	)
 ...>
 }

@@
@@
+static int uncounted_ticks(struct ipmi_smi *intf, int slot)
+{
+	/* That have come, but are still to count this slot. */
+	lockdep_assert_held(&intf->seq_lock);
+	return slot >= intf->counted;
+}
+
 int intf_next_seq(...) { ... }

@depends on queued@
expression E;
@@
 uncounted_ticks(...)
 {
 ...
 return
-	E
+	(E) + READ_ONCE(intf->tick_due)
 ;
 }

// ---- The timer

@@
@@
 struct ipmi_smi {
 ...
 int curr_seq;
+struct iotimer *timer;
+/* slots that the last tick has counted; under seq_lock */
+int counted;
 ...
 };

@depends on queued@
@@
 struct ipmi_smi {
 ...
 struct iotimer *timer;
+struct work_struct tick_work;
+/* tick_work has not begun to count a tick */
+int tick_due;
 ...
 };

// The tick, of one interface.
@depends on !queued@
identifier unused, index;
iterator name list_for_each_entry_rcu;
@@
 static void ipmi_timeout(
-	struct timer_list *unused
+	struct device *dev, void *context
 )
 {
 struct ipmi_smi *intf
+ = context
 ;
 bool need_timer = false;
-int index;
 if (
-atomic_read(&stop_operation)
+READ_ONCE(intf->in_shutdown)
 ) return;
+iotimer_stop(intf->timer);
-index = srcu_read_lock(&ipmi_interfaces_srcu);
-list_for_each_entry_rcu(intf, &ipmi_interfaces, link) {
 ...
-}
-srcu_read_unlock(&ipmi_interfaces_srcu, index);
 if (need_timer)
-	mod_timer(&ipmi_timer, jiffies + IPMI_TIMEOUT_JIFFIES);
+	need_waiter(intf);
 }

// The mutex keeps the work away from an interface that is being added.
@depends on queued@
iterator name list_for_each_entry;
identifier w;
@@
 static void ipmi_timeout_work(struct work_struct *w)
 {
-if (atomic_read(&stop_operation)) return;
 struct ipmi_smi *intf
+ = container_of(w, struct ipmi_smi, tick_work)
 ;
 bool need_timer = false;
-if (atomic_read(&stop_operation)) return;
 mutex_lock(&ipmi_interfaces_mutex);
+mutex_lock(&intf->seq_lock);
+intf->counted = 0;
+xchg(&intf->tick_due, 0);
+mutex_unlock(&intf->seq_lock);
+
-list_for_each_entry(intf, &ipmi_interfaces, link) {
 ...
-}
 mutex_unlock(&ipmi_interfaces_mutex);
 if (need_timer)
-	mod_timer(&ipmi_timer, jiffies + IPMI_TIMEOUT_JIFFIES);
+	need_waiter(intf);
 }

@depends on queued@
identifier unused;
expression E;
@@
 static void ipmi_timeout(
-	struct timer_list *unused
+	struct device *dev, void *context
 )
 {
-if (atomic_read(&stop_operation)) return;
+struct ipmi_smi *intf = context;
+
+iotimer_stop(intf->timer);
-queue_work(E, &ipmi_timer_work);
+if (!xchg(&intf->tick_due, 1))
+	queue_work(E, &intf->tick_work);
 }

@@
declarer name DECLARE_WORK;
@@
-DECLARE_WORK(ipmi_timer_work, ipmi_timeout_work);

// Its start, which is below.
@@
@@
-static void need_waiter(struct ipmi_smi *intf)
-{
-if (!timer_pending(&ipmi_timer))
-	mod_timer(&ipmi_timer, jiffies + IPMI_TIMEOUT_JIFFIES);
-}

@@
identifier f;
@@
 f(..., struct ipmi_smi *intf, ...)
 {
 <...
-mod_timer(&ipmi_timer, jiffies + IPMI_TIMEOUT_JIFFIES)
+need_waiter(intf)
 ...>
 }

// ---- Made, stopped, destroyed

@depends on queued@
expression F;
@@
 ipmi_add_smi(...)
 {
 <...
 INIT_WORK(&intf->bmc_reg_work, F);
+INIT_WORK(&intf->tick_work, ipmi_timeout_work);
 ...>
 }

// Before anyone can find the interface.
@@
@@
 ipmi_add_smi(...)
 {
 ...
 init_waitqueue_head(&intf->waitq);
+intf->counted = IPMI_IPMB_NUM_SEQ;
+intf->timer = iotimer_create(si_dev, ipmi_timeout, intf);
+if (IS_ERR(intf->timer)) {
+	rv = PTR_ERR(intf->timer);
+	kfree(intf);
+	return rv;
+}
 ...
 }

@depends on !queued@
@@
 ipmi_add_smi(...)
 {
 <...
 rv = PTR_ERR(intf->timer);
+cleanup_srcu_struct(&intf->users_srcu);
 kfree(intf);
 ...>
 }

@@
@@
+static void need_waiter(struct ipmi_smi *intf)
+{
+	rcu_read_lock();
+	if (!READ_ONCE(intf->in_shutdown))
+		iotimer_start(intf->timer);
+	rcu_read_unlock();
+}
+
 int ipmi_add_smi(...) { ... }

// Users, and a work that asks the BMC again, outlive the interface. They start the timer before the grace
// period ends, or not at all.
@@
@@
+static void ipmi_end_timer(struct ipmi_smi *intf)
+{
+	WRITE_ONCE(intf->in_shutdown, true);
+	synchronize_rcu();
+	iotimer_destroy(intf->timer);
+}
+
 int ipmi_add_smi(...) { ... }

@depends on queued@
@@
 ipmi_end_timer(struct ipmi_smi *intf)
 {
 ...
 iotimer_destroy(intf->timer);
+cancel_work_sync(&intf->tick_work);
 }

// A failed add.
@depends on !queued@
@@
 ipmi_add_smi(...)
 {
 <...
 synchronize_srcu(&ipmi_interfaces_srcu);
+ipmi_end_timer(intf);
 ...>
 }

@depends on queued@
@@
 ipmi_add_smi(...)
 {
 <...
+ipmi_end_timer(intf);
 cancel_work_sync(&intf->smi_work);
 ...>
 }

@@
@@
 ipmi_unregister_smi(struct ipmi_smi *intf)
 {
 ...
+ipmi_end_timer(intf);
 mutex_lock(&ipmi_interfaces_mutex);
 ...
-intf->in_shutdown = true;
 ...
 }

@@
@@
 ipmi_init_msghandler(...)
 {
 ...
-timer_setup(&ipmi_timer, ipmi_timeout, 0);
-mod_timer(&ipmi_timer, jiffies + IPMI_TIMEOUT_JIFFIES);
 ...
 }

@@
@@
 cleanup_ipmi(...)
 {
 <...
(
-atomic_set(&stop_operation, 1);
|
-del_timer_sync(&ipmi_timer);
|
-timer_delete_sync(&ipmi_timer);
|
-cancel_work_sync(&ipmi_timer_work);
)
 ...>
 }

// What is used before it comes.
@@
@@
 static bool drvregistered;
+static void need_waiter(struct ipmi_smi *intf);
+static void ipmi_timeout(struct device *dev, void *context);

@depends on queued@
@@
 static bool drvregistered;
+static void ipmi_timeout_work(struct work_struct *work);

@@
@@
-static struct timer_list ipmi_timer;

@@
@@
-static atomic_t stop_operation;

@@
expression E;
@@
-#define IPMI_TIMEOUT_JIFFIES E

@@
@@
 #include <linux/delay.h>
+#include "io_timeout.h"
+#include "iotimer.h"
