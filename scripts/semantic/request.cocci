// SPDX-License-Identifier: GPL-2.0-only
// The timer_list that times out a device's requests becomes a struct io_countdown of io_timeout.h.
//
//	spatch --sp-file request.cocci FILE.c FILE.h	(all files of the driver, in one call)
//
// scripts/convert calls this, after it has found out for which timers it is right. Called alone, it
// converts every timer that is a member of a struct and does not arm itself. CONVERT="MEMBER..." in the
// environment names the members to convert. With -D linux the header is <linux/io_timeout.h>.
//
// The callback keeps its body and gets its struct. Nothing calls it yet: the driver's once-a-second
// routine is to call it when io_countdown_tick() returns true. See Documentation/converting.rst.
// Old names of the timer functions (6.1) and new ones (7.2) are both known.

virtual linux

@initialize:python@
@@
import os
members = os.environ.get("CONVERT", "").split()

@setup@
expression E, F;
identifier T, fn;
@@
 timer_setup(\(&E->T\|&E.T\), fn, F)

@script:python@
T << setup.T;
@@
if members and T not in members:
    cocci.include_match(False)

// A callback that arms its own timer is a watchdog: watchdog.cocci converts it.
@periodic@
identifier setup.fn, setup.T, t;
expression X;
@@
 void fn(struct timer_list *t)
 {
 <+...
(
 mod_timer(\(&X->T\|&X.T\|t\), ...)
|
 add_timer(\(&X->T\|&X.T\|t\))
)
 ...+>
 }

// The callback gets what from_timer() gave it.
@callback depends on !periodic@
type P;
identifier setup.fn, setup.T, t, priv;
@@
 void fn(
-	struct timer_list *t
+	P *priv
 )
 {
 ... when any
(
-P *priv = \(from_timer\|timer_container_of\)(priv, t, T);
|
-P *priv = container_of(t, P, T);
|
-P *priv;
 ... when any
-priv = \(from_timer\|timer_container_of\)(priv, t, T);
)
 ... when any
 }

@@
identifier setup.fn, t;
type callback.P;
@@
 void fn(
-	struct timer_list *t
+	P *
 );

@@
identifier setup.fn;
type callback.P;
@@
 void fn(
-	struct timer_list *
+	P *
 );

@depends on callback@
identifier setup.fn, setup.T;
expression X;
@@
(
 fn(
-	&X->T
+	X
 )
|
 fn(
-	&X.T
+	&X
 )
)

// An expiry of its own and add_timer() are what mod_timer() is in one.
@depends on callback@
identifier setup.T;
expression X, Y;
@@
-X->T.expires = Y;
 ... when != X->T.expires
-add_timer(&X->T);
+mod_timer(&X->T, Y);

// Rounding a time that is counted in seconds is useless.
@depends on callback@
identifier setup.T;
expression X, Y;
@@
 mod_timer(\(&X->T\|&X.T\),
-	round_jiffies(Y)
+	Y
 )

@depends on callback@
identifier setup.T;
expression X, Y;
symbol jiffies, HZ;
@@
(
-mod_timer
+io_countdown_set
 (\(&X->T\|&X.T\),
(
-	jiffies + HZ
+	1
|
-	jiffies + Y * HZ
+	Y
|
-	jiffies + HZ * Y
+	Y
|
-	jiffies + (Y * HZ)
+	Y
|
-	jiffies + (HZ * Y)
+	Y
|
-	jiffies + secs_to_jiffies(Y)
+	Y
|
-	jiffies + msecs_to_jiffies(Y)
+	io_timeout_from_ms(Y)
|
-	jiffies + Y
+	io_timeout_from_jiffies(Y)
|
-	Y
+	io_timeout_until(Y)
)
 )
|
-\(del_timer\|del_timer_sync\|timer_delete\|timer_delete_sync\|timer_shutdown\|timer_shutdown_sync\)
+io_countdown_clear
 (\(&X->T\|&X.T\))
|
-timer_pending
+io_countdown_running
 (\(&X->T\|&X.T\))
)

@depends on callback@
identifier setup.fn, setup.T;
expression X, F;
@@
-timer_setup
+io_countdown_init
 (\(&X->T\|&X.T\)
-	, fn, F
 )

@depends on callback@
identifier setup.T, s;
@@
 struct s {
 ...
-struct timer_list
+struct io_countdown
 T;
 ...
 };

@depends on callback && !linux@
@@
 #include <...>
+#include "io_timeout.h"

@depends on callback && linux@
@@
 #include <...>
+#include <linux/io_timeout.h>
