/* The plan as JSON; planner/plan_json.c has its keys. */
#include "planner/cli/json_out.h"
#include "planner/cli/plan.h"

#include "base/json.h"
#include "planner/plan_json.h"

#include <stdlib.h>

json_t *cli_json_take(cli_json *j, kerf_writer *w)
{
    kerf_json_doc *read = NULL;
    json_t *document = NULL;
    if (!w->failed && kerf_json_parse(w->text, w->used, NULL, NULL, &read, NULL) == KERF_OK)
        document = json_incref(kerf_json_root(read).value);
    kerf_json_close(&read);
    free(w->text);
    j->failed = j->failed || !document;
    return document;
}

json_t *cli_plan_document(cli_json *j, const cli_scene *scene, const kerf_plan *plan)
{
    kerf_writer w = {0};
    plan_json_write(&w, &scene->question, plan, PLAN_WITH_OTHERS);
    return cli_json_take(j, &w);
}

cli_exit cli_plan_json(const cli_scene *scene, const kerf_plan *plan)
{
    cli_json j = {false};
    json_t *document = cli_plan_document(&j, scene, plan);
    return cli_json_print(&j, document);
}

cli_exit cli_plan_json_infeasible(const cli_scene *scene, const kerf_error *err)
{
    cli_json j = {false};
    kerf_writer w = {0};
    plan_json_write_infeasible(&w, &scene->question, err);
    json_t *document = cli_json_take(&j, &w);
    return cli_json_print(&j, document);
}
