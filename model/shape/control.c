/* If, Loop, Scan: operators with bodies, each counted as one operator. Sequences, too, which have
 * no shape. */
#include "model/shape/nested.h"
#include "model/shape/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const ir_attr *graph_attr(sh_node *s, const char *name)
{
    const ir_attr *attr = ir_attr_find(s->node, name);
    if (attr && attr->kind == IR_ATTR_GRAPH && attr->graph)
        return attr;
    sh_fail(s, "attribute %s is missing or no graph", name);
    return NULL;
}

static kerf_status check_depth(sh_node *s)
{
    if (s->depth < IR_MAX_DEPTH)
        return KERF_OK;
    return sh_fail(s, "graphs are nested more than %d deep", IR_MAX_DEPTH);
}

/* Shape of output i where one of two branches runs. */
static kerf_status merge_output(sh_node *s, size_t i, const ir_value *a, const ir_value *b)
{
    int64_t dims[IR_MAX_RANK];
    char label[128];
    bool same = a->rank == b->rank;
    memcpy(dims, a->dims, sizeof dims);
    for (int k = 0; k < a->rank && same; k++)
        if (a->dims[k] != b->dims[k])
            dims[k] = IR_DIM_UNKNOWN;
    if (!same || memcmp(dims, a->dims, (size_t)(a->rank > 0 ? a->rank : 0) * sizeof *dims) != 0)
        sh_because(s, "depends on which branch of '%s' runs",
                   ir_node_label(s->node, label, sizeof label));
    return sh_emit(s, i, a->type != KERF_TYPE_UNKNOWN ? a->type : b->type, same ? a->rank : -1,
                   dims);
}

static kerf_status take_output(sh_node *s, size_t i, const ir_value *from)
{
    kerf_status status = sh_emit_like(s, i, from->type, from);
    ir_value *to = sh_out(s, i);
    if (!status && to)
        sh_copy_content(s, to, from);
    return status;
}

static kerf_status infer_branch(sh_node *s, ir_graph *branch, kerf_error *err)
{
    if (branch->n_outputs < s->node->n_outputs) {
        kerf_error *own = s->err;
        s->err = err; /* which may not be the node's: infer_both forgives one branch */
        kerf_status status = sh_fail(s, "a branch has %zu outputs, expected %zu", branch->n_outputs,
                                     s->node->n_outputs);
        s->err = own;
        return status;
    }
    sh_import_captures(s, branch);
    return sh_infer_graph(branch, s->depth + 1, err);
}

/* A condition that is data: both branches are inferred and the costlier one counts. A branch whose
 * shapes contradict each other for these inputs cannot be the one that runs (exporters guard a
 * Squeeze so), unless both do. */
static kerf_status infer_both(sh_node *s, ir_graph *branches[2])
{
    kerf_error errors[2] = {{0}, {0}};
    kerf_status status[2];
    for (int i = 0; i < 2; i++) {
        status[i] = infer_branch(s, branches[i], &errors[i]);
        if (status[i] && status[i] != KERF_E_INVALID) {
            if (s->err && s->err->code == KERF_OK)
                *s->err = errors[i];
            return status[i];
        }
    }
    if (status[0] && status[1]) {
        if (s->err && s->err->code == KERF_OK)
            *s->err = errors[0];
        return status[0];
    }
    const ir_graph *one = status[0] ? branches[1] : branches[0];
    const ir_graph *other = status[1] ? branches[0] : branches[1];
    int64_t macs[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (!sh_graph_macs(i ? other : one, &macs[i]))
            return sh_fail(s, "more than %" PRId64 " multiply-accumulates", INT64_MAX);
    s->node->macs = macs[0] > macs[1] ? macs[0] : macs[1];
    s->node->cls = sh_graph_class(macs[0] > macs[1] ? one : other);
    kerf_status merged = KERF_OK;
    for (size_t i = 0; i < s->node->n_outputs && !merged; i++)
        merged = merge_output(s, i, sh_graph_output(one, i), sh_graph_output(other, i));
    return merged;
}

kerf_status sh_if(sh_node *s)
{
    const ir_value *condition = sh_need(s, 0);
    const ir_attr *then_attr = graph_attr(s, "then_branch");
    const ir_attr *else_attr = then_attr ? graph_attr(s, "else_branch") : NULL;
    if (!condition || !then_attr || !else_attr)
        return KERF_E_INVALID;
    ir_graph *branches[2] = {then_attr->graph, else_attr->graph};
    s->n_operands = 1;
    for (int i = 0; i < 2; i++)
        if (branches[i]->n_outputs < s->node->n_outputs)
            return sh_fail(s, "a branch has %zu outputs, expected %zu", branches[i]->n_outputs,
                           s->node->n_outputs);
    kerf_status status = check_depth(s);
    if (status)
        return status;
    if (!sh_content_complete(condition) || ir_elements(condition) != 1)
        return infer_both(s, branches);
    ir_graph *taken = branches[sh_int_at(condition, 0) ? 0 : 1];
    status = infer_branch(s, taken, s->err);
    if (!status && !sh_graph_macs(taken, &s->node->macs))
        return sh_fail(s, "more than %" PRId64 " multiply-accumulates", INT64_MAX);
    s->node->cls = sh_graph_class(taken);
    for (size_t i = 0; i < s->node->n_outputs && !status; i++)
        status = take_output(s, i, sh_graph_output(taken, i));
    return status;
}

/* Loop and Scan alike: states carried from one iteration to the next. */
typedef struct carried {
    ir_graph *body;
    size_t n;           /* states */
    size_t node_in;     /* first of them among the node's operands, */
    size_t body_in;     /* the body's inputs, */
    size_t body_out;    /* the body's outputs */
    int64_t iterations; /* IR_DIM_UNKNOWN: not known */
} carried;

/* What may differ from one iteration to the next becomes unknown. True if anything did. */
static bool widen(ir_value *state, const ir_value *next)
{
    bool changed = false;
    if (state->rank < 0)
        return false;
    if (next->rank != state->rank) {
        state->rank = -1;
        return true;
    }
    for (int i = 0; i < state->rank; i++)
        if (state->dims[i] >= 0 && state->dims[i] != next->dims[i]) {
            state->dims[i] = IR_DIM_UNKNOWN;
            changed = true;
        }
    return changed;
}

/* Infers the body until the states' shapes stand still; after two passes, those that still move
 * are unknown altogether. */
static kerf_status settle(sh_node *s, const carried *c)
{
    bool moving = true;
    for (size_t i = 0; i < c->n; i++) {
        const ir_value *from = sh_need(s, c->node_in + i);
        if (!from)
            return KERF_E_INVALID;
        sh_set_input(c->body, c->body_in + i, from->type, from->rank, from->dims);
    }
    for (int pass = 0; pass < 3 && moving; pass++) {
        moving = false;
        sh_import_captures(s, c->body);
        kerf_status status = sh_infer_graph(c->body, s->depth + 1, s->err);
        if (status)
            return status;
        for (size_t i = 0; i < c->n; i++) {
            ir_value *state = &c->body->values[c->body->inputs[c->body_in + i]];
            if (!widen(state, sh_graph_output(c->body, c->body_out + i)))
                continue;
            moving = true;
            if (pass > 0)
                state->rank = -1;
        }
    }
    return KERF_OK;
}

static kerf_status emit_states(sh_node *s, const carried *c)
{
    kerf_status status = KERF_OK;
    char label[128];
    for (size_t i = 0; i < c->n && !status; i++) {
        const ir_value *state = &c->body->values[c->body->inputs[c->body_in + i]];
        if (!sh_shape_known(state))
            sh_because(s, "its shape changes from one iteration of '%s' to the next",
                       ir_node_label(s->node, label, sizeof label));
        status = sh_emit_like(s, i, state->type, state);
    }
    return status;
}

/* One slice per iteration, stacked along an axis. */
static kerf_status emit_stacked(sh_node *s, const carried *c, size_t i, int64_t at)
{
    const ir_value *slice = sh_graph_output(c->body, c->body_out + i);
    int64_t dims[IR_MAX_RANK + 1];
    int axis = 0, from = 0;
    char label[128];
    if (slice->rank < 0)
        return sh_emit_unknown(s, i, slice->type);
    kerf_status status = sh_axis(s, at, slice->rank + 1, &axis);
    if (status)
        return status;
    for (int k = 0; k <= slice->rank; k++)
        dims[k] = k == axis ? c->iterations : slice->dims[from++];
    if (c->iterations < 0)
        sh_because(s, "depends on the number of iterations of '%s'",
                   ir_node_label(s->node, label, sizeof label));
    return sh_emit(s, i, slice->type, slice->rank + 1, dims);
}

static kerf_status count_iterations(sh_node *s, const carried *c)
{
    char label[128];
    int64_t once = 0;
    if (!sh_graph_macs(c->body, &once))
        return sh_fail(s, "more than %" PRId64 " multiply-accumulates", INT64_MAX);
    s->node->cls = sh_graph_class(c->body);
    int64_t factors[] = {once, c->iterations < 0 ? 1 : c->iterations};
    if (c->iterations < 0)
        sh_warn_once(s, "%s: the number of iterations is not known, its MACs are counted once",
                     ir_node_label(s->node, label, sizeof label));
    return sh_add_macs(s, factors, 2);
}

/* Iterations: the trip count, if the condition is true from first to last. */
static int64_t loop_iterations(const sh_node *s, const carried *c)
{
    const ir_value *first = sh_in(s, 1), *next = sh_graph_output(c->body, 0);
    int64_t trips = 0;
    bool present = false;
    if (first && sh_content_complete(first) && ir_elements(first) == 1 && !sh_int_at(first, 0))
        return 0;
    bool starts = !first || (sh_content_complete(first) && ir_elements(first) == 1);
    bool goes_on = sh_content_complete(next) && ir_elements(next) == 1 && sh_int_at(next, 0);
    if (!sh_integer_of(s, NULL, 0, &trips, &present) || !starts || !goes_on)
        return IR_DIM_UNKNOWN;
    return trips < 0 ? 0 : trips;
}

/* Operands: trip count, condition, states. The body's inputs: iteration, condition, states; its
 * outputs: condition, states, slices. */
kerf_status sh_loop(sh_node *s)
{
    const ir_attr *attr = graph_attr(s, "body");
    if (!attr)
        return KERF_E_INVALID;
    carried c = {.body = attr->graph, .node_in = 2, .body_in = 2, .body_out = 1};
    c.n = c.body->n_inputs > 2 ? c.body->n_inputs - 2 : 0;
    s->n_operands = c.n + 2;
    if (c.body->n_inputs != c.n + 2 || s->node->n_inputs < c.n + 2 || c.body->n_outputs < c.n + 1 ||
        s->node->n_outputs > c.body->n_outputs - 1)
        return sh_fail(s,
                       "the body has %zu inputs and %zu outputs, which does not fit %zu operands "
                       "and %zu outputs",
                       c.body->n_inputs, c.body->n_outputs, s->node->n_inputs, s->node->n_outputs);
    kerf_status status = check_depth(s);
    if (status)
        return status;
    sh_set_input(c.body, 0, KERF_INT64, 0, NULL);
    sh_set_input(c.body, 1, KERF_BOOL, 0, NULL);
    /* Where the body runs, its condition was true. */
    ir_value *condition = &c.body->values[c.body->inputs[1]];
    sh_node inner = {.graph = c.body, .node = s->node, .err = s->err};
    if (sh_new_content(&inner, condition))
        sh_put_int(condition, 0, 1);
    condition->constant = sh_has_content(condition);
    s->no_memory = s->no_memory || inner.no_memory;
    status = settle(s, &c);
    if (status)
        return status;
    c.iterations = loop_iterations(s, &c);
    status = emit_states(s, &c);
    for (size_t i = c.n; i < s->node->n_outputs && !status; i++)
        status = emit_stacked(s, &c, i, 0);
    return status ? status : count_iterations(s, &c);
}

static int64_t listed(const int64_t *list, size_t n, size_t i)
{
    return list && i < n ? list[i] : 0;
}

/* The sequences' slices become the body's inputs; all must be equally long. */
static kerf_status set_slices(sh_node *s, carried *c, size_t n_slices)
{
    size_t n_axes = 0;
    const int64_t *axes = ir_attr_ints(s->node, "scan_input_axes", &n_axes);
    c->iterations = IR_DIM_UNKNOWN;
    for (size_t i = 0; i < n_slices; i++) {
        const ir_value *x = sh_need(s, c->n + i);
        int64_t dims[IR_MAX_RANK];
        int axis = 0, rank = 0;
        if (!x)
            return KERF_E_INVALID;
        if (x->rank < 0) {
            sh_set_input(c->body, c->n + i, x->type, -1, NULL);
            continue;
        }
        kerf_status status = sh_axis(s, listed(axes, n_axes, i), x->rank, &axis);
        if (status)
            return status;
        if (!sh_dims_agree(c->iterations, x->dims[axis], &c->iterations))
            return sh_fail(s, "sequences of %" PRId64 " and %" PRId64 " steps", c->iterations,
                           x->dims[axis]);
        for (int k = 0; k < x->rank; k++)
            if (k != axis)
                dims[rank++] = x->dims[k];
        sh_set_input(c->body, c->n + i, x->type, rank, dims);
    }
    return KERF_OK;
}

/* Operands: states, sequences. The body's inputs: states, slices; its outputs likewise. */
kerf_status sh_scan(sh_node *s)
{
    const ir_attr *attr = graph_attr(s, "body");
    int64_t n_slices = ir_attr_int(s->node, "num_scan_inputs", 0);
    size_t n_axes = 0;
    if (!attr)
        return KERF_E_INVALID;
    if (s->opset < 9) {
        sh_because(s, "Scan of opset 8 is not supported");
        return sh_emit_all_unknown(s, KERF_TYPE_UNKNOWN);
    }
    carried c = {.body = attr->graph};
    s->n_operands = c.body->n_inputs;
    if (n_slices < 1 || (uint64_t)n_slices > s->n_operands)
        return sh_fail(s, "num_scan_inputs is %" PRId64 " for %zu operands", n_slices,
                       s->n_operands);
    c.n = s->n_operands - (size_t)n_slices;
    if (s->node->n_inputs < s->n_operands || c.body->n_outputs < s->node->n_outputs ||
        c.body->n_outputs < c.n)
        return sh_fail(s, "the body has %zu inputs and %zu outputs, expected %zu and %zu",
                       c.body->n_inputs, c.body->n_outputs, s->node->n_inputs, s->node->n_outputs);
    kerf_status status = check_depth(s);
    if (!status)
        status = set_slices(s, &c, (size_t)n_slices);
    if (!status)
        status = settle(s, &c);
    if (!status)
        status = emit_states(s, &c);
    const int64_t *axes = ir_attr_ints(s->node, "scan_output_axes", &n_axes);
    for (size_t i = c.n; i < s->node->n_outputs && !status; i++)
        status = emit_stacked(s, &c, i, listed(axes, n_axes, i - c.n));
    return status ? status : count_iterations(s, &c);
}

kerf_status sh_data_dependent(sh_node *s)
{
    sh_because(s, "the output of %.100s depends on data", s->node->type);
    return sh_emit_all_unknown(s, KERF_TYPE_UNKNOWN);
}

kerf_status sh_sequence(sh_node *s)
{
    sh_because(s, "a sequence, which has no one shape");
    return sh_emit_all_unknown(s, KERF_TYPE_UNKNOWN);
}

kerf_status sh_sequence_scalar(sh_node *s)
{
    return sh_emit(s, 0, KERF_INT64, 0, NULL);
}

kerf_status sh_sequence_bool(sh_node *s)
{
    return sh_emit(s, 0, KERF_BOOL, 0, NULL);
}
