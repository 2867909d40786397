/* All answers to questions that differ in nothing but rates, RTT and server load: a decision map
 * over these, and for each of its entries the plan's document without its figures.
 *
 * Made once, by a worker; after that one thread at a time may look things up. */
#ifndef KERF_SERVICE_FAMILY_H
#define KERF_SERVICE_FAMILY_H

#include "kerf/map.h"
#include "planner/plan_json.h"

typedef struct family family;

/* KERF_E_TIME_LIMIT, KERF_E_TOO_LARGE, KERF_E_INFEASIBLE (whatever the conditions), the errors of
 * kerf_map_make. The family borrows nothing. */
kerf_status family_make(const kerf_question *question, family **made, kerf_error *err);
void family_destroy(family **f);
size_t family_bytes(const family *f);
const kerf_map *family_map(const family *f);

kerf_conditions family_conditions(const kerf_question *question);

/* The best entry; KERF_NONE where nothing is feasible, or the conditions are beyond the map. */
size_t family_find(const family *f, const kerf_conditions *now);

/* The entry of that name if it keeps all limits under the conditions, or KERF_NONE. *known: there
 * is such an entry. */
size_t family_find_cut(const family *f, const char *cut_id, const kerf_conditions *now,
                       bool *known);

/* What an entry's objective has over that of the best one: 0.05 where the best is 5 % better. */
double family_loss(const family *f, size_t entry, size_t best, const kerf_conditions *now);

/* The answer: an entry's template with its figures, which are those of the explanation as well
 * unless it is to be brief. `best` is what family_find said; *variables borrows `link`. */
const plan_template *family_answer(family *f, size_t entry, size_t best, bool brief,
                                   const char *link, const kerf_conditions *now,
                                   plan_variables *variables);
const char *family_cut_id(const family *f, size_t entry);

#endif
