// The main() of a program that weir_add_program() makes.
#include <weir/program.h>

int main(int argc, char** argv) { return weir::run_program(argc, argv); }
