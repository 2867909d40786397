/* The search in every combination that may be chosen: which must be solved, and what is known of
 * the others. */
#ifndef KERF_PLANNER_SEARCH_H
#define KERF_PLANNER_SEARCH_H

#include "planner/choice.h"
#include "planner/solve/solve.h"

/* What is known of a choice. */
typedef struct plan_prospect {
    double bound; /* nothing that keeps the limits is better; INFINITY: nothing does */
    bool solved;  /* the limits kept; `answer` unless nothing does */
    cut_solution answer;
} plan_prospect;

typedef struct plan_search {
    const kerf_question *question;
    cut_options options; /* of all solves together */
    bool stopped;        /* by the caller */
    cut_choices choices;
    plan_prospect *prospects; /* by choice */
    size_t best;              /* the choice of the answer, KERF_NONE before there is one */
    cut_solution solution;    /* the answer, with the bound of all choices; its x is borrowed */
} plan_search;

/* Finds the best answer of all choices. A choice is left unsolved if it is proven that it holds
 * nothing better: by its optimum without limits, or by that of a choice that differs in the
 * encoding alone, which costs at most as much for every tensor. Errors: of cut_choices_bind and
 * cut_solve. `start` is when the time began to run. Release with plan_search_clear, also after an
 * error. */
kerf_status plan_search_run(plan_search *search, const kerf_question *question, double start,
                            kerf_error *err);
void plan_search_clear(plan_search *search);

/* The best choice among those for which take(choice, context) holds, solving what must be solved;
 * KERF_NONE where none of them keeps the limits. */
typedef bool plan_take(const cut_choice *choice, const void *context);
kerf_status plan_search_best(plan_search *search, plan_take *take, const void *context,
                             size_t *best, kerf_error *err);

/* Fills a zeroed plan from the search's answer: s->best and s->solution. (plan.c) */
kerf_status plan_describe(plan_search *search, kerf_plan *plan, kerf_error *err);

#endif
