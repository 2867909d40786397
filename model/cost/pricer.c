/* Builds a pricer: the network's operators in group order with their traffic, the mode's
 * coefficients checked, the measured figures attached. */
#include "model/cost/pricer.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_coefficient(double value)
{
    return isfinite(value) && value >= 0;
}

static bool is_refinement(const kerf_refinement *more)
{
    bool fine = is_coefficient(more->per_step) && is_coefficient(more->grouped_launch);
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++)
        fine =
            fine && is_coefficient(more->per_byte[i]) && is_coefficient(more->per_weight_byte[i]);
    return fine;
}

/* A mode built by hand may hold anything; one that was loaded is fine already. */
static kerf_status check_mode(const kerf_power_mode *mode, kerf_error *err)
{
    const double values[] = {mode->s_per_byte,   mode->launch_s,       mode->partition_s,
                             mode->J_per_byte,   mode->launch_J,       mode->partition_J,
                             mode->J_per_kernel, mode->kernel_quantum, mode->floor_J,
                             mode->active_W,     mode->idle_W};
    bool fine = true;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        fine = fine && is_coefficient(values[i]);
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++)
        fine = fine && is_coefficient(mode->s_per_mac[i]) && is_coefficient(mode->J_per_mac[i]);
    fine = fine && is_refinement(&mode->latency_more) && is_refinement(&mode->energy_more);
    const char *name = mode->name ? mode->name : "";
    if (!fine)
        return kerf_fail(err, KERF_E_INVALID, name,
                         "a coefficient of the power mode is negative or not finite, expected "
                         "numbers from 0 up");
    if (mode->energy_form == KERF_ENERGY_FLOOR &&
        !(isfinite(mode->floor_exponent) && mode->floor_exponent >= 1))
        return kerf_fail(err, KERF_E_INVALID, name,
                         "the floor form's exponent is %g, expected a number from 1 up",
                         mode->floor_exponent);
    return KERF_OK;
}

/* Allocates arrays as large as they can become. */
static bool allocate(kerf_pricer *pricer, const kerf_network *network)
{
    size_t operators = 0, reads = 0, writes = 0, consumers = 0;
    for (size_t g = 0; g < network->n_groups; g++) {
        for (size_t i = 0; i < network->groups[g].n_operators; i++) {
            const kerf_operator *op = &network->operators[network->groups[g].operators[i]];
            operators++;
            reads += op->n_inputs;
            writes += op->n_outputs;
            for (size_t k = 0; k < op->n_outputs; k++) {
                if (op->outputs[k] != KERF_NONE)
                    consumers += network->tensors[op->outputs[k]].n_consumers;
            }
        }
    }
    pricer->n_groups = network->n_groups;
    pricer->begin = kerf_calloc(network->n_groups + 1, sizeof *pricer->begin);
    pricer->operators = kerf_calloc(operators + 1, sizeof *pricer->operators);
    pricer->reads = kerf_calloc(reads, sizeof *pricer->reads);
    pricer->writes = kerf_calloc(writes, sizeof *pricer->writes);
    pricer->positions = kerf_calloc(consumers, sizeof *pricer->positions);
    return pricer->begin && pricer->operators && pricer->reads && pricer->writes &&
           pricer->positions;
}

/* What building needs and the pricer does not keep. */
typedef struct builder {
    const kerf_network *network;
    kerf_pricer *pricer;
    size_t *position;     /* by operator: position in its group */
    size_t *last_reader;  /* by tensor: the last entry of pricer->reads for it, or KERF_NONE */
    size_t *reader_group; /* by tensor: the group of that entry */
    size_t n_operators, n_reads, n_writes, n_positions;
} builder;

static double size_or_nan(int64_t size)
{
    return size < 0 ? NAN : (double)size;
}

static void add_reads(builder *b, const kerf_operator *op, size_t group, size_t position)
{
    for (size_t k = 0; k < op->n_inputs; k++) {
        size_t t = op->inputs[k];
        if (t == KERF_NONE || b->network->tensors[t].constant)
            continue;
        const kerf_tensor *tensor = &b->network->tensors[t];
        size_t previous = b->reader_group[t] == group ? b->last_reader[t] : KERF_NONE;
        if (previous != KERF_NONE && b->pricer->reads[previous].position == position)
            continue; /* one operator reads it twice */
        size_t producer = tensor->producer;
        bool inside = producer != KERF_NONE && b->network->operators[producer].group == group;
        b->pricer->reads[b->n_reads] =
            (price_read){.bytes = size_or_nan(tensor->bytes),
                         .position = position,
                         .producer = inside ? b->position[producer] : KERF_NONE,
                         .previous = previous};
        b->last_reader[t] = b->n_reads++;
        b->reader_group[t] = group;
    }
}

static void add_writes(builder *b, const kerf_operator *op, size_t group)
{
    for (size_t k = 0; k < op->n_outputs; k++) {
        if (op->outputs[k] == KERF_NONE)
            continue;
        const kerf_tensor *tensor = &b->network->tensors[op->outputs[k]];
        price_write *write = &b->pricer->writes[b->n_writes++];
        *write = (price_write){.bytes = size_or_nan(tensor->bytes),
                               .outside = tensor->is_output,
                               .consumers = b->n_positions};
        for (size_t c = 0; c < tensor->n_consumers; c++) {
            size_t consumer = tensor->consumers[c];
            if (b->network->operators[consumer].group == group)
                b->pricer->positions[b->n_positions++] = b->position[consumer];
            else
                write->outside = true;
        }
        write->consumers_end = b->n_positions;
    }
}

/* Weight bytes that an operator fetches: all of them, but a look-up (Gather of an embedding)
 * fetches no more than it delivers. */
static double weight_traffic(const kerf_operator *op)
{
    if (op->cls == KERF_CLASS_MOVE && op->write_bytes >= 0 && op->write_bytes < op->weight_bytes)
        return (double)op->write_bytes;
    return size_or_nan(op->weight_bytes);
}

/* MACs that make one output of a convolution; 0 where there is no output to count. */
static double steps_of(const kerf_network *network, const kerf_operator *op)
{
    if (op->kernels <= 0 || op->n_outputs == 0 || op->outputs[0] == KERF_NONE)
        return 0;
    const int64_t elements = network->tensors[op->outputs[0]].elements;
    return elements == 0 ? 0 : size_or_nan(op->macs) / size_or_nan(elements);
}

static void add_group(builder *b, size_t group)
{
    const kerf_group *path = &b->network->groups[group];
    b->pricer->begin[group] = b->n_operators;
    for (size_t i = 0; i < path->n_operators; i++)
        b->position[path->operators[i]] = i;
    for (size_t i = 0; i < path->n_operators; i++) {
        const kerf_operator *op = &b->network->operators[path->operators[i]];
        b->pricer->operators[b->n_operators++] =
            (price_operator){.cls = op->cls,
                             .grouped = op->groups > 1 && op->cls != KERF_CLASS_DEPTHWISE,
                             .macs = size_or_nan(op->macs),
                             .steps = steps_of(b->network, op),
                             .kernels = size_or_nan(op->kernels),
                             .weight_bytes = weight_traffic(op),
                             .latency_s = NAN,
                             .energy_J = NAN,
                             .reads = b->n_reads,
                             .writes = b->n_writes};
        add_reads(b, op, group, i);
        add_writes(b, op, group);
    }
}

static kerf_status add_network(kerf_pricer *pricer, const kerf_network *network, kerf_error *err)
{
    builder b = {.network = network, .pricer = pricer};
    kerf_status status = KERF_OK;
    b.position = kerf_calloc(network->n_operators, sizeof *b.position);
    b.last_reader = kerf_calloc(network->n_tensors, sizeof *b.last_reader);
    b.reader_group = kerf_calloc(network->n_tensors, sizeof *b.reader_group);
    if (!b.position || !b.last_reader || !b.reader_group || !allocate(pricer, network)) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    for (size_t t = 0; t < network->n_tensors; t++)
        b.last_reader[t] = b.reader_group[t] = KERF_NONE;
    for (size_t g = 0; g < network->n_groups; g++)
        add_group(&b, g);
    pricer->begin[network->n_groups] = b.n_operators;
    pricer->operators[b.n_operators] = (price_operator){.reads = b.n_reads, .writes = b.n_writes};
out:
    free(b.position);
    free(b.last_reader);
    free(b.reader_group);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct kerf_measured *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* NAN stands for "not measured"; anything else must be a figure. */
static bool is_measurement(double value)
{
    return isnan(value) || is_coefficient(value);
}

static kerf_status check_profile(const struct kerf_measured **sorted, size_t n, kerf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return kerf_fail(err, KERF_E_INVALID, sorted[i]->name,
                             "the profile names this operator twice, expected once");
        if (!is_measurement(sorted[i]->latency_s) || !is_measurement(sorted[i]->energy_J))
            return kerf_fail(err, KERF_E_INVALID, sorted[i]->name,
                             "a measured figure is negative or infinite, expected a number from 0 "
                             "up");
    }
    return KERF_OK;
}

/* Attaches one operator's measured figures. Constant operators are in no group and cost nothing
 * whatever a profile says. */
static void attach(kerf_pricer *pricer, price_operator *op, const struct kerf_measured *measured)
{
    const kerf_power_mode *mode = pricer->mode;
    op->latency_s = measured->latency_s;
    op->energy_J = measured->energy_J;
    op->measured_latency = !isnan(op->latency_s);
    op->measured_energy = !isnan(op->energy_J);
    pricer->measured_latency += op->measured_latency;
    pricer->measured_energy += op->measured_energy;
    if (mode->energy_form == KERF_ENERGY_POWER && isnan(op->energy_J))
        op->energy_J = mode->active_W * op->latency_s;
}

static kerf_status add_profile(kerf_pricer *pricer, const kerf_network *network,
                               const kerf_profile *profile, kerf_error *err)
{
    size_t n = profile->n_operators;
    kerf_status status = KERF_E_NOMEM;
    price_operator **target = kerf_calloc(network->n_operators, sizeof *target);
    bool *found = kerf_calloc(n, sizeof *found);
    const struct kerf_measured **sorted = kerf_calloc(n, sizeof *sorted);
    if (!target || !found || !sorted) {
        kerf_fail(err, status, NULL, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = &profile->operators[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    status = check_profile(sorted, n, err);
    if (status != KERF_OK)
        goto out;
    for (size_t g = 0; g < network->n_groups; g++) {
        for (size_t i = 0; i < network->groups[g].n_operators; i++)
            target[network->groups[g].operators[i]] = &pricer->operators[pricer->begin[g] + i];
    }
    for (size_t i = 0; i < network->n_operators; i++) {
        struct kerf_measured key = {.name = network->operators[i].name};
        const struct kerf_measured *wanted = &key;
        const struct kerf_measured **hit = bsearch(&wanted, sorted, n, sizeof *sorted, by_name);
        if (!hit)
            continue;
        found[hit - sorted] = true;
        if (target[i])
            attach(pricer, target[i], *hit);
    }
    for (size_t i = 0; i < n && status == KERF_OK; i++) {
        if (!found[i])
            status = kerf_fail(err, KERF_E_INVALID, sorted[i]->name,
                               "the profile names an operator that network %s does not have",
                               network->name ? network->name : "");
    }
out:
    free(target);
    free(found);
    free(sorted);
    return status;
}

kerf_status kerf_pricer_create(const kerf_network *network, const kerf_power_mode *mode,
                               const kerf_profile *profile, kerf_pricer **pricer, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_status status = check_mode(mode, err);
    if (status != KERF_OK)
        return status;
    kerf_pricer *p = kerf_calloc(1, sizeof *p);
    if (!p)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    p->mode = mode;
    status = add_network(p, network, err);
    if (status == KERF_OK && profile)
        status = add_profile(p, network, profile, err);
    if (status == KERF_OK && profile && profile->n_groups > 0)
        status = pricer_add_sets(p, network, profile, err);
    if (status == KERF_OK)
        *pricer = p;
    else
        kerf_pricer_destroy(&p);
    return status;
}

void kerf_pricer_destroy(kerf_pricer **pricer)
{
    if (!pricer || !*pricer)
        return;
    free((*pricer)->begin);
    free((*pricer)->operators);
    free((*pricer)->reads);
    free((*pricer)->writes);
    free((*pricer)->positions);
    for (size_t i = 0; i < (*pricer)->n_sets; i++)
        free((*pricer)->sets[i].operators);
    free((*pricer)->sets);
    free(*pricer);
    *pricer = NULL;
}

size_t kerf_pricer_measured_latency(const kerf_pricer *pricer)
{
    return pricer->measured_latency;
}

size_t kerf_pricer_measured_energy(const kerf_pricer *pricer)
{
    return pricer->measured_energy;
}
