// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of io_recovery.h: a record for each slot with its age in ticks, and the
 * age at which it times out. It has no clock, no bits, and looks at all slots each
 * time. Part of io_recovery_test.c.
 */

struct record {
	int state;		/* IDLE, BUSY, TIMED_OUT or ABORTING */
	int guilty;
	int age;
	int allowed;
	u32 generation;
};

struct model {
	int state;		/* BUSY in the place of running; RESETTING or RESET_DONE */
	int age;		/* of the reset */
	int allowed;
	int limit;
	int abort_limit;
	int reset_limit;
	int slots;
	struct record slot[];
};

enum event_kind {
	BEGIN, BEGIN_OWN, OP, ABORT, NR_SLOT_KINDS,
	RESET = NR_SLOT_KINDS, DONE, BEGIN_RESET, TICK, NEXT_ABORT, CANCEL, SWAP_LIMITS, NR_KINDS,
};

static void record_enter(struct record *s, int state, int allowed)
{
	s->state = state;
	s->age = 0;
	s->allowed = allowed;
}

static void model_enter(struct model *m, int state, int allowed)
{
	m->state = state;
	m->age = 0;
	m->allowed = allowed;
}

static void model_all_idle(struct model *m)
{
	int i;

	for (i = 0; i < m->slots; i++)
		record_enter(&m->slot[i], IDLE, 0);
	model_enter(m, BUSY, 0);
}

static long model_begin(struct model *m, struct record *s, int limit)
{
	if (m->state == BUSY && s->state == IDLE) {
		record_enter(s, BUSY, limit + 1);
		s->guilty = 0;
		s->generation++;
	}
	return s->generation;
}

static long model_end(struct model *m, struct record *s, bool aborted)
{
	if (m->state != BUSY || s->state == IDLE || (aborted && s->state != ABORTING))
		return false;
	record_enter(s, IDLE, 0);
	if (!aborted)
		s->guilty = 0;
	return true;
}

static long model_next_abort(struct model *m)
{
	int i;

	if (m->state != BUSY || !m->abort_limit)
		return -1;
	for (i = 0; i < m->slots; i++) {
		if (m->slot[i].state == TIMED_OUT) {
			record_enter(&m->slot[i], ABORTING, m->abort_limit);
			return i;
		}
	}
	return -1;
}

static long model_tick(struct model *m)
{
	bool reset = false, abort = false;
	int i;

	if (m->state == RESET_DONE)
		return IO_RECOVERY_OK;
	if (m->state == RESETTING) {
		if (++m->age < m->allowed)
			return IO_RECOVERY_OK;
		model_all_idle(m);
		return IO_RECOVERY_FAILED;
	}
	for (i = 0; i < m->slots; i++) {
		struct record *s = &m->slot[i];

		if (s->state == IDLE || ++s->age < s->allowed)
			continue;
		if (s->guilty || !m->abort_limit)
			reset = true;
		else
			abort = true;
		s->guilty = 1;
		record_enter(s, s->state == ABORTING ? ABORTING : TIMED_OUT, m->abort_limit);
	}
	if (!reset)
		return abort ? IO_RECOVERY_ABORT : IO_RECOVERY_OK;
	model_enter(m, RESETTING, m->reset_limit);
	return IO_RECOVERY_RESET;
}

static int model_left(const struct model *m)
{
	int i, left = -1;

	if (m->state == RESET_DONE)
		return -1;
	if (m->state == RESETTING)
		return m->allowed - m->age;
	for (i = 0; i < m->slots; i++) {
		const struct record *s = &m->slot[i];

		if (s->state != IDLE && (left == -1 || s->allowed - s->age < left))
			left = s->allowed - s->age;
	}
	return left;
}

static bool model_is_idle(const struct model *m)
{
	int i;

	for (i = 0; i < m->slots; i++)
		if (m->slot[i].state != IDLE)
			return false;
	return m->state == BUSY;
}

static long model_step(struct model *m, enum event_kind kind, int slot, int own_limit)
{
	struct record *s = &m->slot[slot];
	bool was;

	switch (kind) {
	case BEGIN:
		return model_begin(m, s, m->limit);
	case BEGIN_OWN:
		return model_begin(m, s, own_limit);
	case OP:
	case ABORT:
		return model_end(m, s, kind == ABORT);
	case RESET:
		was = m->state == RESETTING;
		if (was)
			model_enter(m, RESET_DONE, 0);
		return was;
	case DONE:
		was = m->state == RESET_DONE;
		if (was)
			model_all_idle(m);
		return was;
	case BEGIN_RESET:
		model_enter(m, RESETTING, m->reset_limit + 1);
		return 0;
	case TICK:
		return model_tick(m);
	case NEXT_ABORT:
		return model_next_abort(m);
	case CANCEL:
		model_all_idle(m);
		return 0;
	default:
		m->abort_limit = m->abort_limit ? 0 : 2;
		m->reset_limit ^= 3;
		return 0;
	}
}
