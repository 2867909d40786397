/* LSTM, GRU, RNN. MACs: steps * batch * directions * gates * hidden * (hidden + input). */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

typedef struct recurrent {
    int64_t steps, batch, input, hidden, directions;
    bool batch_first;
} recurrent;

static kerf_status read_sizes(sh_node *s, recurrent *r)
{
    const ir_value *x = sh_need_rank(s, 0, 3);
    const char *direction = ir_attr_string(s->node, "direction", "forward");
    if (!x)
        return KERF_E_INVALID;
    r->batch_first = ir_attr_int(s->node, "layout", 0) != 0;
    r->directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    if (r->directions == 1 && strcmp(direction, "forward") != 0 &&
        strcmp(direction, "reverse") != 0)
        return sh_fail(s, "direction is '%.40s', expected forward, reverse or bidirectional",
                       direction);
    r->steps = r->batch = r->input = IR_DIM_UNKNOWN;
    if (x->rank == 3) {
        r->steps = x->dims[r->batch_first ? 1 : 0];
        r->batch = x->dims[r->batch_first ? 0 : 1];
        r->input = x->dims[2];
    }
    r->hidden = ir_attr_int(s->node, "hidden_size", IR_DIM_UNKNOWN);
    if (r->hidden < IR_DIM_UNKNOWN || r->hidden == 0)
        return sh_fail(s, "hidden_size is %" PRId64 ", expected at least 1", r->hidden);
    return KERF_OK;
}

/* W is [directions, gates * hidden, input], R [directions, gates * hidden, hidden]; com.microsoft's
 * quantized ones have their last two dimensions swapped. */
static kerf_status check_weights(sh_node *s, recurrent *r, int64_t gates, bool swapped)
{
    const ir_value *w = sh_need_rank(s, 1, 3), *recurrence = sh_need_rank(s, 2, 3);
    char left[SH_TEXT], right[SH_TEXT];
    int64_t hidden_w = IR_DIM_UNKNOWN, hidden_r = IR_DIM_UNKNOWN, unused = 0;
    int rows = swapped ? 2 : 1, columns = swapped ? 1 : 2;
    if (!w || !recurrence)
        return KERF_E_INVALID;
    bool fits = true;
    if (recurrence->rank == 3) {
        hidden_r = recurrence->dims[columns];
        fits = fits && sh_dims_agree(recurrence->dims[0], r->directions, &unused);
        fits = fits && sh_dims_agree(r->hidden, hidden_r, &r->hidden);
        if (recurrence->dims[rows] >= 0 && r->hidden > 0)
            fits = fits && recurrence->dims[rows] % gates == 0 &&
                   recurrence->dims[rows] / gates == r->hidden;
    }
    if (w->rank == 3) {
        hidden_w = w->dims[rows] < 0 ? IR_DIM_UNKNOWN : w->dims[rows] / gates;
        fits = fits && sh_dims_agree(w->dims[0], r->directions, &unused);
        fits = fits && sh_dims_agree(r->hidden, hidden_w, &r->hidden);
        fits = fits && sh_dims_agree(r->input, w->dims[columns], &r->input);
    }
    if (!fits)
        return sh_fail(s,
                       "weights W %s and R %s do not fit %" PRId64 " inputs, %" PRId64
                       " hidden, %" PRId64 " directions",
                       sh_text(w, left), sh_text(recurrence, right), r->input, r->hidden,
                       r->directions);
    return KERF_OK;
}

static kerf_status infer_recurrent(sh_node *s, int64_t gates, size_t n_states, bool swapped)
{
    recurrent r = {.batch_first = false};
    kerf_status status = read_sizes(s, &r);
    if (!status)
        status = check_weights(s, &r, gates, swapped);
    if (status)
        return status;
    kerf_type type = sh_in(s, 0)->type;
    int64_t all[4] = {r.steps, r.directions, r.batch, r.hidden};
    int64_t all_first[4] = {r.batch, r.steps, r.directions, r.hidden};
    int64_t state[3] = {r.directions, r.batch, r.hidden};
    int64_t state_first[3] = {r.batch, r.directions, r.hidden};
    status = sh_emit(s, 0, type, 4, r.batch_first ? all_first : all);
    for (size_t i = 1; i <= n_states && !status; i++)
        status = sh_emit(s, i, type, 3, r.batch_first ? state_first : state);
    int64_t inner = IR_DIM_UNKNOWN;
    if (r.hidden >= 0 && r.input >= 0 && __builtin_add_overflow(r.hidden, r.input, &inner))
        return sh_fail(s, "sizes are too large");
    int64_t factors[] = {r.steps, r.batch, r.directions, gates, r.hidden, inner};
    return status ? status : sh_add_macs(s, factors, 6);
}

kerf_status sh_lstm(sh_node *s)
{
    return infer_recurrent(s, 4, 2, false);
}

kerf_status sh_gru(sh_node *s)
{
    return infer_recurrent(s, 3, 1, false);
}

kerf_status sh_rnn(sh_node *s)
{
    return infer_recurrent(s, 1, 1, false);
}

kerf_status sh_dynamic_lstm(sh_node *s)
{
    return infer_recurrent(s, 4, 2, true);
}
