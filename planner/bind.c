#include "planner/bind.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/bundles.h"
#include "planner/question.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double kerf_wire_bytes(const kerf_tensor *tensor, kerf_wire wire)
{
    static const int bits[] = {
        [KERF_WIRE_FLOAT32] = 32, [KERF_WIRE_FLOAT16] = 16, [KERF_WIRE_INT8] = 8};
    const bool is_float = tensor->type == KERF_FLOAT32 || tensor->type == KERF_FLOAT64 ||
                          tensor->type == KERF_FLOAT16 || tensor->type == KERF_BFLOAT16;
    const double own = (double)tensor->bytes;
    if (wire == KERF_WIRE_OWN || !is_float)
        return own;
    return fmin(own, ceil((double)tensor->elements * bits[wire] / 8.0));
}

const char *kerf_wire_name(kerf_wire wire)
{
    static const char *const names[] = {[KERF_WIRE_OWN] = "own",
                                        [KERF_WIRE_FLOAT32] = "float32",
                                        [KERF_WIRE_FLOAT16] = "float16",
                                        [KERF_WIRE_INT8] = "int8"};
    return (size_t)wire < sizeof names / sizeof *names ? names[wire] : "?";
}

kerf_encoding cut_encoding(const kerf_question *question)
{
    if (question->n_encodings > 0)
        return question->encodings[0];
    return (kerf_encoding){.name = kerf_wire_name(question->wire),
                           .wire = question->wire,
                           .accuracy_loss = question->wire == KERF_WIRE_OWN ? 0 : (double)NAN};
}

static double ratio_of(const kerf_encoding *encoding)
{
    return encoding->ratio > 0 ? encoding->ratio : 1;
}

double cut_encoded_bytes(const kerf_tensor *tensor, const kerf_encoding *encoding)
{
    return kerf_wire_bytes(tensor, encoding->wire) * ratio_of(encoding);
}

bool cut_sent_as_is(const kerf_tensor *tensor, const kerf_encoding *encoding)
{
    return encoding->wire != KERF_WIRE_OWN &&
           cut_encoded_bytes(tensor, encoding) >= (double)tensor->bytes;
}

double cut_input_total(const kerf_question *question)
{
    const kerf_network *net = question->network;
    double total = 0;
    for (size_t i = 0; i < net->n_inputs && question->input_bytes > 0; i++)
        total += (double)net->tensors[net->inputs[i]].bytes;
    return total;
}

double cut_wire_bytes(const kerf_question *question, size_t index)
{
    return cut_wire_share(question, index, cut_input_total(question));
}

double cut_wire_share(const kerf_question *question, size_t index, double total)
{
    const kerf_network *net = question->network;
    const kerf_tensor *tensor = &net->tensors[index];
    const kerf_encoding encoding = cut_encoding(question);
    if (!tensor->is_input)
        return cut_encoded_bytes(tensor, &encoding);
    /* The sensor's own form: a given size is shared among the inputs in proportion to theirs. */
    if (question->input_bytes <= 0)
        return (double)tensor->bytes;
    return total > 0 ? question->input_bytes * (double)tensor->bytes / total
                     : question->input_bytes / (double)net->n_inputs;
}

double cut_wait_W(const kerf_question *question, const kerf_power_mode *mode)
{
    return mode->idle_W + question->link->idle_W;
}

kerf_status cut_find_mode(const kerf_question *question, size_t *mode, kerf_error *err)
{
    const kerf_device *device = question->device;
    if (!device)
        return kerf_fail(err, KERF_E_INVALID, "question", "lacks its device");
    if (!question->power_mode) {
        *mode = device->default_mode;
        return KERF_OK;
    }
    const size_t found = kerf_device_find_mode(device, question->power_mode);
    if (found != KERF_NONE) {
        *mode = found;
        return KERF_OK;
    }
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < device->n_modes && used < sizeof known; i++) {
        const int n = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                               device->modes[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return kerf_fail(err, KERF_E_INVALID, device->name,
                     "has no power mode '%s', expected one of: %s", question->power_mode, known);
}

/* --- operators and pins --- */

static kerf_status number_operators(cut_binding *b)
{
    const kerf_network *net = b->question->network;
    b->index_of = kerf_calloc(net->n_operators, sizeof *b->index_of);
    b->operator_of = kerf_calloc(net->n_operators, sizeof *b->operator_of);
    b->pin = kerf_calloc(net->n_operators, sizeof *b->pin);
    if (!b->index_of || !b->operator_of || !b->pin)
        return KERF_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < net->n_operators; i++) {
        b->index_of[i] = net->operators[i].constant ? KERF_NONE : n;
        if (!net->operators[i].constant)
            b->operator_of[n++] = i;
    }
    b->problem.n = n;
    return KERF_OK;
}

static const char *side_name(kerf_side side)
{
    return side == KERF_SIDE_DEVICE ? "device" : "server";
}

static kerf_status apply_pins(cut_binding *b, kerf_error *err)
{
    const kerf_question *q = b->question;
    for (size_t i = 0; i < q->n_pins; i++) {
        const kerf_pin *pin = &q->pins[i];
        if (pin->operator_index >= q->network->n_operators)
            return kerf_fail(err, KERF_E_INVALID, "pin", "names operator %zu of %zu",
                             pin->operator_index, q->network->n_operators);
        const kerf_operator *op = &q->network->operators[pin->operator_index];
        if (pin->side != KERF_SIDE_DEVICE && pin->side != KERF_SIDE_SERVER)
            return kerf_fail(err, KERF_E_INVALID, op->name, "is pinned to no side");
        const size_t v = b->index_of[pin->operator_index];
        if (v == KERF_NONE)
            return kerf_fail(err, KERF_E_INVALID, op->name,
                             "cannot be pinned: it depends on no input, so it is on no side");
        if (b->pin[v] && b->pin[v] != (uint8_t)pin->side)
            return kerf_fail(err, KERF_E_INFEASIBLE, op->name, "is pinned to both sides");
        b->pin[v] = (uint8_t)pin->side;
    }
    return KERF_OK;
}

/* An operator that a side does not support is pinned away from it. */
static kerf_status apply_support(cut_binding *b, kerf_error *err)
{
    const kerf_question *q = b->question;
    for (size_t v = 0; v < b->problem.n; v++) {
        const kerf_operator *op = &q->network->operators[b->operator_of[v]];
        const bool on_device = kerf_device_supports(q->device, op->type);
        const bool on_server = kerf_device_supports(q->server, op->type);
        if (on_device && on_server)
            continue;
        if (!on_device && !on_server)
            return kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                             "is a %s, which neither %s nor %s supports", op->type, q->device->name,
                             q->server->name);
        const kerf_side side = on_device ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
        if (b->pin[v] && b->pin[v] != (uint8_t)side)
            return kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                             "is a %s, which runs on the %s only, and is pinned to the other side",
                             op->type, side_name(side));
        b->pin[v] = (uint8_t)side;
    }
    return KERF_OK;
}

/* Data never flows back: whatever follows an operator on the server is there too. Operators are in
 * topological order and so are tensors' consumers, so one pass finds who is forced. */
static kerf_status check_pins(cut_binding *b, kerf_error *err)
{
    const kerf_network *net = b->question->network;
    size_t *forced_by = kerf_calloc(b->problem.n, sizeof *forced_by);
    kerf_status status = forced_by ? KERF_OK : KERF_E_NOMEM;
    for (size_t v = 0; forced_by && v < b->problem.n; v++)
        forced_by[v] = b->pin[v] == KERF_SIDE_SERVER ? v : KERF_NONE;
    for (size_t v = 0; status == KERF_OK && v < b->problem.n; v++) {
        if (forced_by[v] == KERF_NONE)
            continue;
        const kerf_operator *op = &net->operators[b->operator_of[v]];
        if (b->pin[v] == KERF_SIDE_DEVICE) {
            status = kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                               "must run on the device, but it needs the result of '%s', which "
                               "must run on the server (data never flows back)",
                               net->operators[b->operator_of[forced_by[v]]].name);
            break;
        }
        for (size_t o = 0; o < op->n_outputs; o++) {
            if (op->outputs[o] == KERF_NONE)
                continue;
            const kerf_tensor *t = &net->tensors[op->outputs[o]];
            for (size_t c = 0; c < t->n_consumers; c++) {
                const size_t w = b->index_of[t->consumers[c]];
                if (w != KERF_NONE && forced_by[w] == KERF_NONE)
                    forced_by[w] = forced_by[v];
            }
        }
    }
    free(forced_by);
    return status;
}

/* --- tensors --- */

/* The placed operators that read a tensor, appended to the pool. */
static size_t append_consumers(cut_binding *b, const kerf_tensor *t)
{
    size_t n = 0;
    for (size_t c = 0; c < t->n_consumers; c++) {
        const size_t v = b->index_of[t->consumers[c]];
        if (v != KERF_NONE)
            b->pool[b->pool_used + n++] = v;
    }
    b->pool_used += n;
    return n;
}

/* What packing a tensor on one side and unpacking it on the other takes; a side's cost per byte is
 * the same for both. */
static cut_cost codec_cost(const kerf_question *q, const kerf_tensor *t)
{
    const kerf_encoding e = cut_encoding(q);
    const double bytes = cut_sent_as_is(t, &e) ? 0 : (double)t->bytes;
    return (cut_cost){.device_s = bytes * e.device_s_per_byte,
                      .device_J = bytes * e.device_J_per_byte,
                      .server_s = bytes * e.server_s_per_byte / (1 - q->server_load),
                      .server_J = bytes * e.server_J_per_byte};
}

static kerf_status bind_tensor(cut_binding *b, size_t index, cut_tensor *out, kerf_error *err)
{
    const kerf_question *q = b->question;
    const kerf_tensor *t = &q->network->tensors[index];
    if (t->bytes < 0)
        return kerf_fail(err, KERF_E_UNRESOLVED, t->name, "has no known size: %s",
                         t->unresolved ? t->unresolved : "its shape is unknown");
    const size_t *consumers = b->pool + b->pool_used;
    *out = (cut_tensor){
        .producer = t->producer == KERF_NONE ? CUT_SOURCE : b->index_of[t->producer],
        .consumers = consumers,
        .n_consumers = append_consumers(b, t),
        .up_bytes = cut_wire_share(q, index, b->input_total),
        .to_server = t->is_output && q->result_at_server,
        .to_device = t->is_output && !q->result_at_server,
    };
    if (!t->is_input)
        out->up_cost = codec_cost(q, t);
    if (out->to_device && out->producer != CUT_SOURCE) {
        const kerf_encoding encoding = cut_encoding(q);
        out->down_bytes = cut_encoded_bytes(t, &encoding);
        out->down_cost = codec_cost(q, t);
    }
    return KERF_OK;
}

/* Data that an operator on some side reads, or a result. */
static bool carries_data(const cut_binding *b, const kerf_tensor *t)
{
    if (t->constant || (t->producer == KERF_NONE && !t->is_input))
        return false;
    for (size_t c = 0; c < t->n_consumers; c++)
        if (b->index_of[t->consumers[c]] != KERF_NONE)
            return true;
    return t->is_output;
}

static kerf_status bind_tensors(cut_binding *b, kerf_error *err)
{
    const kerf_network *net = b->question->network;
    b->tensors = kerf_calloc(net->n_tensors, sizeof *b->tensors);
    b->tensor_of = kerf_calloc(net->n_tensors, sizeof *b->tensor_of);
    if (!b->tensors || !b->tensor_of)
        return KERF_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (!carries_data(b, t))
            continue;
        const kerf_status status = bind_tensor(b, i, &b->tensors[n], err);
        if (status != KERF_OK)
            return status;
        b->tensor_of[n++] = i;
    }
    b->problem.tensors = b->tensors;
    b->problem.n_tensors = n;
    return KERF_OK;
}

/* --- groups --- */

static void fill_table(const cut_binding *b, size_t group, cut_cost *table)
{
    const size_t n = b->question->network->groups[group].n_operators;
    const double slowdown = 1 / (1 - b->question->server_load);
    for (size_t j = 0; j <= n; j++) {
        const kerf_cost head = kerf_price_part(b->device, group, 0, j);
        const kerf_cost tail = kerf_price_part(b->server, group, j, n);
        table[j] = (cut_cost){.device_s = head.latency_s,
                              .device_J = head.energy_J,
                              .server_s = tail.latency_s * slowdown,
                              .server_J = tail.energy_J};
    }
}

static kerf_status bind_groups(cut_binding *b)
{
    const kerf_network *net = b->question->network;
    b->groups = kerf_calloc(net->n_groups, sizeof *b->groups);
    b->tables = kerf_calloc(b->problem.n + net->n_groups, sizeof *b->tables);
    if (!b->groups || !b->tables)
        return KERF_E_NOMEM;
    cut_cost *table = b->tables;
    for (size_t g = 0; g < net->n_groups; g++) {
        const kerf_group *group = &net->groups[g];
        b->groups[g] = (cut_group){
            .operators = b->pool + b->pool_used, .n = group->n_operators, .table = table};
        for (size_t i = 0; i < group->n_operators; i++)
            b->pool[b->pool_used++] = b->index_of[group->operators[i]];
        fill_table(b, g, table);
        table += group->n_operators + 1;
    }
    b->problem.groups = b->groups;
    b->problem.n_groups = net->n_groups;
    return KERF_OK;
}

/* --- device memory --- */

/* A constant that several operators read is held once; what only one reads goes with that one. */
static void append_shared_weights(cut_binding *b, double *own_bytes, size_t *n)
{
    const kerf_network *net = b->question->network;
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (!t->constant || t->bytes <= 0 || t->n_consumers < 2)
            continue;
        const size_t *readers = b->pool + b->pool_used;
        const size_t n_readers = append_consumers(b, t);
        double bytes = (double)t->bytes;
        for (size_t r = 0; r < n_readers; r++)
            bytes = fmin(bytes, own_bytes[readers[r]]);
        if (n_readers < 2 || bytes <= 0) {
            b->pool_used -= n_readers;
            continue;
        }
        for (size_t r = 0; r < n_readers; r++)
            own_bytes[readers[r]] -= bytes;
        b->weights[(*n)++] = (cut_weight){.bytes = bytes, .operators = readers, .n = n_readers};
    }
}

static kerf_status bind_weights(cut_binding *b)
{
    const kerf_network *net = b->question->network;
    double *own_bytes = kerf_calloc(b->problem.n, sizeof *own_bytes);
    b->weights = kerf_calloc(b->problem.n + net->n_tensors, sizeof *b->weights);
    if (!b->weights || !own_bytes) {
        free(own_bytes);
        return KERF_E_NOMEM;
    }
    for (size_t v = 0; v < b->problem.n; v++)
        own_bytes[v] = (double)net->operators[b->operator_of[v]].weight_bytes;
    size_t n = 0;
    append_shared_weights(b, own_bytes, &n);
    for (size_t v = 0; v < b->problem.n; v++) {
        if (own_bytes[v] <= 0)
            continue;
        size_t *self = &b->pool[b->pool_used++];
        *self = v;
        b->weights[n] = (cut_weight){.bytes = own_bytes[v], .operators = self, .n = 1};
        n++;
    }
    free(own_bytes);
    b->problem.weights = b->weights;
    b->problem.n_weights = n;
    return KERF_OK;
}

static int compare_sizes(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Readers of a buffer are gathered from several tensors: sort them, each once. */
static size_t sort_unique(size_t *list, size_t n)
{
    if (n > 1)
        qsort(list, n, sizeof *list, compare_sizes);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || list[i] != list[kept - 1])
            list[kept++] = list[i];
    return kept;
}

/* Tensors in the order of their storage, so that those which share a buffer are neighbours. */
typedef struct member {
    size_t storage, tensor;
} member;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->storage != y->storage)
        return x->storage < y->storage ? -1 : 1;
    return (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

static cut_buffer gather_buffer(cut_binding *b, const member *members, size_t n)
{
    const kerf_network *net = b->question->network;
    size_t *readers = b->pool + b->pool_used;
    cut_buffer buffer = {.readers = readers, .producer = b->problem.n};
    size_t n_readers = 0;
    for (size_t i = 0; i < n; i++) {
        const cut_tensor *t = &b->tensors[members[i].tensor];
        const kerf_tensor *named = &net->tensors[b->tensor_of[members[i].tensor]];
        buffer.bytes = fmax(buffer.bytes, (double)named->bytes);
        if (t->producer == CUT_SOURCE || buffer.producer == CUT_SOURCE)
            buffer.producer = CUT_SOURCE;
        else if (t->producer < buffer.producer)
            buffer.producer = t->producer;
        buffer.kept = buffer.kept || named->is_output;
        memcpy(readers + n_readers, t->consumers, t->n_consumers * sizeof *readers);
        n_readers += t->n_consumers;
    }
    buffer.n_readers = sort_unique(readers, n_readers);
    b->pool_used += buffer.n_readers;
    return buffer;
}

static kerf_status bind_buffers(cut_binding *b)
{
    const size_t n = b->problem.n_tensors;
    member *members = kerf_calloc(n, sizeof *members);
    b->buffers = kerf_calloc(n, sizeof *b->buffers);
    if (!members || !b->buffers) {
        free(members);
        return KERF_E_NOMEM;
    }
    for (size_t i = 0; i < n; i++)
        members[i] = (member){b->question->network->tensors[b->tensor_of[i]].storage, i};
    qsort(members, n, sizeof *members, compare_members);
    size_t n_buffers = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && members[end].storage == members[first].storage;)
            end++;
        b->buffers[n_buffers++] = gather_buffer(b, members + first, end - first);
    }
    free(members);
    b->problem.buffers = b->buffers;
    b->problem.n_buffers = n_buffers;
    return KERF_OK;
}

/* --- the whole --- */

/* Every list of operators is cut from one pool: consumers of tensors (twice: as tensors, and as
 * readers of buffers), members of groups, readers of weights. */
static kerf_status allocate_pool(cut_binding *b)
{
    const kerf_network *net = b->question->network;
    size_t consumers = 0;
    for (size_t i = 0; i < net->n_tensors; i++)
        consumers += net->tensors[i].n_consumers;
    b->pool_size = 3 * consumers + 2 * net->n_operators + 1;
    b->pool = kerf_calloc(b->pool_size, sizeof *b->pool);
    return b->pool ? KERF_OK : KERF_E_NOMEM;
}

static kerf_status bind_pricers(cut_binding *b, kerf_error *err)
{
    const kerf_question *q = b->question;
    const kerf_status status =
        kerf_pricer_create(q->network, b->device_mode, q->device_profile, &b->device, err);
    if (status != KERF_OK)
        return status;
    return kerf_pricer_create(q->network, b->server_mode, q->server_profile, &b->server, err);
}

/* A loss that is not known is none where no tensor changes its type. */
static double loss_of(const kerf_question *q)
{
    const kerf_encoding encoding = cut_encoding(q);
    if (!isnan(encoding.accuracy_loss))
        return encoding.accuracy_loss;
    for (size_t i = 0; i < q->network->n_tensors; i++) {
        const kerf_tensor *t = &q->network->tensors[i];
        if (!t->is_input && !t->constant && kerf_wire_bytes(t, encoding.wire) < (double)t->bytes)
            return NAN;
    }
    return 0;
}

static void bind_question(cut_binding *b)
{
    const kerf_question *q = b->question;
    cut_problem *p = &b->problem;
    p->device_part = (cut_cost){.device_s = b->device_mode->partition_s,
                                .device_J = b->device_mode->partition_J};
    p->server_part = (cut_cost){.server_s = b->server_mode->partition_s / (1 - q->server_load),
                                .server_J = b->server_mode->partition_J};
    p->link = q->link;
    p->wait_W = cut_wait_W(q, b->device_mode);
    p->result_at_server = q->result_at_server;
    p->pin = b->pin;
    p->objective = q->objective;
    p->weight_energy = q->weight_energy;
    p->weight_latency = q->weight_latency;
    p->limits = q->limits;
    p->accuracy = q->n_variants > 0 ? q->variants->accuracy : (double)NAN;
    p->accuracy_loss = loss_of(q);
}

kerf_status cut_bind(const kerf_question *question, size_t device_mode, cut_binding *binding,
                     kerf_error *err)
{
    kerf_status status = cut_check_question(question, err);
    if (status != KERF_OK)
        return status;
    cut_binding b = {.question = question,
                     .input_total = cut_input_total(question),
                     .device_mode = &question->device->modes[device_mode],
                     .server_mode = &question->server->modes[question->server->default_mode]};
    if ((status = number_operators(&b)) != KERF_OK || (status = apply_pins(&b, err)) != KERF_OK ||
        (status = apply_support(&b, err)) != KERF_OK || (status = check_pins(&b, err)) != KERF_OK ||
        (status = allocate_pool(&b)) != KERF_OK || (status = bind_tensors(&b, err)) != KERF_OK ||
        (status = bind_pricers(&b, err)) != KERF_OK || (status = bind_groups(&b)) != KERF_OK ||
        (status = cut_bind_bundles(&b)) != KERF_OK || (status = bind_weights(&b)) != KERF_OK ||
        (status = bind_buffers(&b)) != KERF_OK) {
        cut_binding_clear(&b);
        if (status == KERF_E_NOMEM)
            kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while setting up the cut problem");
        return status;
    }
    bind_question(&b);
    *binding = b;
    return KERF_OK;
}

void cut_binding_clear(cut_binding *binding)
{
    kerf_pricer_destroy(&binding->device);
    kerf_pricer_destroy(&binding->server);
    free(binding->operator_of);
    free(binding->index_of);
    free(binding->tensor_of);
    free(binding->groups);
    free(binding->tensors);
    free(binding->weights);
    free(binding->buffers);
    free(binding->tables);
    free(binding->bundles);
    free(binding->bundle_pool);
    free(binding->pin);
    free(binding->pool);
    *binding = (cut_binding){0};
}
