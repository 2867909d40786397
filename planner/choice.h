/* What the planner may choose beside the cut: the device's power mode, the wire encoding and the
 * network variant. Each combination is a question of its own with one cut problem; the answer to
 * the question asked is the best of theirs. */
#ifndef KERF_PLANNER_CHOICE_H
#define KERF_PLANNER_CHOICE_H

#include "planner/bind.h"

typedef struct cut_choice {
    kerf_question question;   /* the one asked, with this combination filled in */
    size_t mode;              /* of the device */
    size_t encoding, variant; /* of the question's; KERF_NONE where it lists none */
    double accuracy;          /* of the variant, before the encoding's loss; NAN: not known */
    char label[256];          /* "in power mode m, encoding e, variant v": what was left open */
    kerf_pin *pins;           /* the question's, as operators of the variant; owned */
    cut_binding binding;      /* borrows the question above */
} cut_choice;

typedef struct cut_choices {
    cut_choice *list; /* does not move: bindings point into it */
    size_t n;
} cut_choices;

/* Binds every combination that the question leaves open and that can be placed at all (a variant
 * may lack a pinned operator, or hold one that neither side supports), at least one. Variants
 * change slowest, then modes, then encodings. The choices borrow what the question points to.
 * Errors are those of cut_bind, and KERF_E_INVALID where a minimum accuracy is asked for and some
 * accuracy is not known. Release with cut_choices_clear, also after an error. */
kerf_status cut_choices_bind(const kerf_question *question, cut_choices *choices, kerf_error *err);
void cut_choices_clear(cut_choices *choices);

/* The accuracy of a placement under a choice. */
double cut_choice_accuracy(const cut_choice *choice, const uint8_t *x);

/* The id of a placement under a choice (see kerf_plan). */
void cut_choice_id(const cut_choice *choice, const kerf_side *side, char id[KERF_CUT_ID_SIZE]);

/* The question with one combination filled in: a variant or an encoding of KERF_NONE leaves what
 * the question says of it. Pins stay those of the question. */
kerf_question cut_choose(const kerf_question *question, const char *power_mode, size_t encoding,
                         size_t variant);

#endif
