#include "planner/choice.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Whether the power mode is the planner's to choose. */
static bool any_mode(const kerf_question *q)
{
    return q->power_mode && strcmp(q->power_mode, "any") == 0 && q->device &&
           q->device->n_modes > 0;
}

static kerf_status bind_choice(const kerf_question *question, size_t mode, cut_choice *choice,
                               kerf_error *err)
{
    choice->question = *question;
    choice->mode = mode;
    if (any_mode(question))
        choice->question.power_mode = question->device->modes[mode].name;
    return cut_bind(&choice->question, mode, &choice->binding, err);
}

kerf_status cut_choices_bind(const kerf_question *question, cut_choices *choices, kerf_error *err)
{
    const bool any = any_mode(question);
    const size_t n = any ? question->device->n_modes : 1;
    size_t mode = 0;
    kerf_status status = any ? KERF_OK : cut_find_mode(question, &mode, err);
    if (status != KERF_OK)
        return status;
    choices->list = kerf_calloc(n, sizeof *choices->list);
    if (!choices->list)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < n; i++) {
        status = bind_choice(question, any ? i : mode, &choices->list[i], err);
        choices->n += status == KERF_OK;
    }
    return status;
}

void cut_choices_clear(cut_choices *choices)
{
    for (size_t i = 0; i < choices->n; i++)
        cut_binding_clear(&choices->list[i].binding);
    free(choices->list);
    *choices = (cut_choices){0};
}
