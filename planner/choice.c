#include "planner/choice.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/cut_id.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CHOICES 4096

/* How many of each there are to choose from. */
typedef struct dimensions {
    bool any_mode;
    size_t modes, encodings, variants;
} dimensions;

static dimensions dimensions_of(const kerf_question *q)
{
    const bool any = q->power_mode && strcmp(q->power_mode, "any") == 0 && q->device->n_modes > 0;
    return (dimensions){.any_mode = any,
                        .modes = any ? q->device->n_modes : 1,
                        .encodings = q->n_encodings > 0 ? q->n_encodings : 1,
                        .variants = q->n_variants > 0 ? q->n_variants : 1};
}

kerf_question cut_choose(const kerf_question *question, const char *power_mode, size_t encoding,
                         size_t variant)
{
    kerf_question q = *question;
    q.power_mode = power_mode;
    if (encoding != KERF_NONE) {
        q.encodings = &question->encodings[encoding];
        q.n_encodings = 1;
    }
    if (variant != KERF_NONE) {
        const kerf_variant *v = &question->variants[variant];
        q.variants = v;
        q.n_variants = 1;
        q.network = v->network;
        q.device_profile = v->device_profile;
        q.server_profile = v->server_profile;
        if (v->input_bytes > 0)
            q.input_bytes = v->input_bytes;
    }
    return q;
}

/* --- checks of the question as a whole --- */

static kerf_status check_variant(const kerf_question *q, size_t i, kerf_error *err)
{
    const kerf_variant *v = &q->variants[i];
    if (!v->name || !*v->name)
        return kerf_fail(err, KERF_E_INVALID, "variants", "number %zu has no name", i + 1);
    if (!v->network)
        return kerf_fail(err, KERF_E_INVALID, v->name, "has no network");
    if (!(isfinite(v->input_bytes) && v->input_bytes >= 0))
        return kerf_fail(err, KERF_E_INVALID, v->name,
                         "has input size %g, expected a finite number not below 0", v->input_bytes);
    if (q->limits.min_accuracy > 0 && isnan(v->accuracy))
        return kerf_fail(err, KERF_E_INVALID, v->name,
                         "has no known accuracy, which a minimum accuracy needs of every variant");
    for (size_t j = 0; j < i; j++)
        if (strcmp(q->variants[j].name, v->name) == 0)
            return kerf_fail(err, KERF_E_INVALID, v->name, "is the name of two variants");
    return KERF_OK;
}

static kerf_status check_encoding(const kerf_question *q, size_t i, kerf_error *err)
{
    const kerf_encoding *e = &q->encodings[i];
    if (!e->name || !*e->name)
        return kerf_fail(err, KERF_E_INVALID, "encodings", "number %zu has no name", i + 1);
    for (size_t j = 0; j < i; j++)
        if (strcmp(q->encodings[j].name, e->name) == 0)
            return kerf_fail(err, KERF_E_INVALID, e->name, "is the name of two encodings");
    return KERF_OK;
}

static kerf_status check_pins(const kerf_question *q, kerf_error *err)
{
    for (size_t i = 0; q->n_variants > 0 && i < q->n_pins; i++)
        if (!q->network || q->pins[i].operator_index >= q->network->n_operators)
            return kerf_fail(err, KERF_E_INVALID, "pin",
                             "names operator %zu, which the question's network does not have",
                             q->pins[i].operator_index);
    return KERF_OK;
}

static kerf_status check_lists(const kerf_question *q, kerf_error *err)
{
    kerf_status status = check_pins(q, err);
    if (!q->device)
        return kerf_fail(err, KERF_E_INVALID, "question", "lacks its device");
    if (q->limits.min_accuracy > 0 && q->n_variants == 0)
        return kerf_fail(err, KERF_E_INVALID, "min accuracy",
                         "needs network variants whose accuracy is known");
    for (size_t i = 0; status == KERF_OK && i < q->n_variants; i++)
        status = check_variant(q, i, err);
    for (size_t i = 0; status == KERF_OK && i < q->n_encodings; i++)
        status = check_encoding(q, i, err);
    const dimensions d = dimensions_of(q);
    if (status == KERF_OK &&
        (d.encodings > MOST_CHOICES || d.variants > MOST_CHOICES || d.modes > MOST_CHOICES ||
         d.encodings * d.variants > MOST_CHOICES / d.modes))
        return kerf_fail(err, KERF_E_TOO_LARGE, "question",
                         "leaves more than %d combinations to choose from", MOST_CHOICES);
    return status;
}

/* --- one combination --- */

/* Pins name operators of the question's network: finds those of the variant. KERF_E_INFEASIBLE:
 * the variant lacks one. */
static kerf_status translate_pins(const kerf_question *asked, cut_choice *choice, kerf_error *err)
{
    const kerf_network *from = asked->network, *to = choice->question.network;
    choice->pins = kerf_calloc(asked->n_pins, sizeof *choice->pins);
    if (!choice->pins)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    choice->question.pins = choice->pins;
    for (size_t i = 0; i < asked->n_pins; i++) {
        choice->pins[i] = asked->pins[i];
        if (from == to || !to)
            continue;
        const char *name = from->operators[asked->pins[i].operator_index].name;
        choice->pins[i].operator_index = kerf_network_find_operator(to, name);
        if (choice->pins[i].operator_index == KERF_NONE)
            return kerf_fail(err, KERF_E_INFEASIBLE, name,
                             "is pinned, but variant '%s' has no such operator",
                             choice->question.variants->name);
    }
    return KERF_OK;
}

static kerf_status check_known_loss(const cut_choice *choice, kerf_error *err)
{
    if (choice->question.limits.min_accuracy > 0 && isnan(choice->binding.problem.accuracy_loss))
        return kerf_fail(err, KERF_E_INVALID, cut_encoding(&choice->question).name,
                         "has no known accuracy loss, which a minimum accuracy needs of every "
                         "encoding");
    return KERF_OK;
}

static void label_choice(const dimensions *d, cut_choice *choice)
{
    const kerf_question *q = &choice->question;
    const char *const names[] = {
        d->modes > 1 ? choice->binding.device_mode->name : NULL,
        d->encodings > 1 ? q->encodings->name : NULL,
        d->variants > 1 ? q->variants->name : NULL,
    };
    static const char *const kinds[] = {"in power mode", "encoding", "variant"};
    size_t used = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && used < sizeof choice->label; i++) {
        if (!names[i])
            continue;
        const char *before = used ? ", " : i ? "with " : "";
        const int n = snprintf(choice->label + used, sizeof choice->label - used, "%s%s %s", before,
                               kinds[i], names[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static kerf_status bind_choice(const kerf_question *asked, const dimensions *d, size_t index,
                               cut_choice *choice, kerf_error *err)
{
    const size_t encoding = index % d->encodings, mode = index / d->encodings % d->modes;
    choice->encoding = asked->n_encodings > 0 ? encoding : KERF_NONE;
    choice->variant = asked->n_variants > 0 ? index / d->encodings / d->modes : KERF_NONE;
    const char *name = d->any_mode ? asked->device->modes[mode].name : asked->power_mode;
    choice->question = cut_choose(asked, name, choice->encoding, choice->variant);
    kerf_status status = KERF_OK;
    if (d->any_mode)
        choice->mode = mode;
    else
        status = cut_find_mode(&choice->question, &choice->mode, err);
    if (status == KERF_OK)
        status = translate_pins(asked, choice, err);
    if (status == KERF_OK)
        status = cut_bind(&choice->question, choice->mode, &choice->binding, err);
    if (status != KERF_OK)
        return status;
    choice->accuracy = choice->binding.problem.accuracy;
    label_choice(d, choice);
    return check_known_loss(choice, err);
}

static void clear_choice(cut_choice *choice)
{
    cut_binding_clear(&choice->binding);
    free(choice->pins);
    *choice = (cut_choice){.mode = 0};
}

kerf_status cut_choices_bind(const kerf_question *question, cut_choices *choices, kerf_error *err)
{
    kerf_status status = check_lists(question, err);
    if (status != KERF_OK)
        return status;
    const dimensions d = dimensions_of(question);
    const size_t n = d.modes * d.encodings * d.variants;
    kerf_error first = {0};
    choices->list = kerf_calloc(n, sizeof *choices->list);
    if (!choices->list)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        cut_choice *choice = &choices->list[choices->n];
        kerf_error local = {0};
        status = bind_choice(question, &d, i, choice, &local);
        if (status == KERF_OK) {
            choices->n++;
            continue;
        }
        clear_choice(choice);
        if (first.code == KERF_OK || status != KERF_E_INFEASIBLE)
            first = local;
        if (status != KERF_E_INFEASIBLE)
            break;
    }
    if (choices->n > 0 && (status == KERF_OK || status == KERF_E_INFEASIBLE))
        return KERF_OK;
    if (err)
        *err = first;
    return first.code;
}

void cut_choices_clear(cut_choices *choices)
{
    for (size_t i = 0; i < choices->n; i++)
        clear_choice(&choices->list[i]);
    free(choices->list);
    *choices = (cut_choices){0};
}

/* --- what an answer says of its combination --- */

double cut_choice_accuracy(const cut_choice *choice, const uint8_t *x)
{
    const cut_problem *problem = &choice->binding.problem;
    size_t device_operators = 0;
    for (size_t v = 0; v < problem->n; v++)
        device_operators += x[v] == 0;
    return cut_accuracy(problem, cut_communicates(problem, device_operators));
}

void cut_choice_id(const cut_choice *choice, const kerf_side *side, char id[KERF_CUT_ID_SIZE])
{
    const kerf_question *q = &choice->question;
    cut_id_make(q->network, side, choice->binding.device_mode->name, cut_encoding(q).name,
                choice->variant == KERF_NONE ? "" : q->variants->name, id);
}
