/* What the planner may choose beside the cut: the device's power mode, the wire encoding and the
 * network variant. Each combination is a question of its own with one cut problem; the answer to
 * the question asked is the best of theirs. */
#ifndef KERF_PLANNER_CHOICE_H
#define KERF_PLANNER_CHOICE_H

#include "planner/bind.h"

typedef struct cut_choice {
    kerf_question question; /* the one asked, with this combination filled in */
    size_t mode;            /* of the device */
    cut_binding binding;    /* borrows the question above */
} cut_choice;

typedef struct cut_choices {
    cut_choice *list; /* does not move: bindings point into it */
    size_t n;
} cut_choices;

/* Binds every combination that the question leaves open, at least one. The choices borrow what the
 * question points to. Errors are those of cut_bind. Release with cut_choices_clear, also after an
 * error. */
kerf_status cut_choices_bind(const kerf_question *question, cut_choices *choices, kerf_error *err);
void cut_choices_clear(cut_choices *choices);

#endif
