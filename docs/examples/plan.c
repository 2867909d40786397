/* Where to split a network, through the library alone:
 *
 *     cc plan.c $(pkg-config --cflags --libs kerf) -o plan
 *     ./plan net.onnx device.json server.json link.json
 */
#include <kerf/kerf.h>

#include <stdio.h>

static void fail(const kerf_error *err)
{
    char line[sizeof *err];
    fprintf(stderr, "plan: %s\n", kerf_error_line(err, line, sizeof line));
}

int main(int argc, char **argv)
{
    kerf_network *network = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    int status = 1;

    if (argc != 5) {
        fprintf(stderr, "usage: plan NETWORK DEVICE.json SERVER.json LINK.json\n");
        return 2;
    }
    if (kerf_network_load(argv[1], NULL, &network, &err) != KERF_OK ||
        kerf_device_load(argv[2], &device, &err) != KERF_OK ||
        kerf_device_load(argv[3], &server, &err) != KERF_OK ||
        kerf_link_load(argv[4], &link, &err) != KERF_OK) {
        fail(&err);
        goto out;
    }
    const kerf_question question = {
        .network = network, .device = device, .server = server, .link = link};
    if (kerf_plan_make(&question, &plan, &err) != KERF_OK) {
        fail(&err);
        goto out;
    }
    printf("%.1f mJ and %.1f ms per inference\n", 1e3 * plan->cost.device_energy_J,
           1e3 * plan->cost.latency_s);
    for (size_t i = 0; i < plan->cut.n_tensors; i++)
        printf("send %s\n", network->tensors[plan->cut.tensors[i]].name);
    status = 0;
out:
    kerf_plan_destroy(&plan);
    kerf_link_destroy(&link);
    kerf_device_destroy(&server);
    kerf_device_destroy(&device);
    kerf_network_destroy(&network);
    return status;
}
