/* Asking a running service where to cut, and planning here while it is away:
 *
 *     cc ask.c $(pkg-config --cflags --libs kerf) -o ask
 *     ./ask tcp://127.0.0.1:5599 resnet50
 */
#include <kerf/kerf.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3 || strpbrk(argv[2], "\"\\")) {
        fprintf(stderr, "usage: ask ENDPOINT NETWORK\n");
        return 2;
    }
    const char *endpoint = argv[1];
    const kerf_client_options options = {.endpoints = &endpoint, .n_endpoints = 1};
    kerf_client *client = NULL;
    kerf_answer *answer = NULL;
    kerf_error err = {0};
    char question[512], line[sizeof err];
    snprintf(question, sizeof question,
             "{\"network\": \"%.200s\", \"link\": {\"uplink\": \"12 Mbit/s\", \"rtt\": \"20 ms\"}}",
             argv[2]);

    /* A kerf_question in the place of NULL is answered by the library if no service is there. */
    const int failed = kerf_client_create(&options, &client, &err) != KERF_OK ||
                       kerf_client_plan(client, question, NULL, &answer, &err) != KERF_OK;
    if (failed)
        fprintf(stderr, "ask: %s\n", kerf_error_line(&err, line, sizeof line));
    else
        printf("cut %s: %zu operators here, %.1f mJ and %.1f ms\n", answer->cut_id,
               answer->n_device_operators, 1e3 * answer->device_energy_J, 1e3 * answer->latency_s);
    for (size_t i = 0; answer && i < answer->n_tensors; i++)
        printf("send %s\n", answer->tensors[i]);
    kerf_answer_destroy(&answer);
    kerf_client_destroy(&client);
    return failed;
}
