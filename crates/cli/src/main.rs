//! The `barid` program.

fn main() -> std::process::ExitCode {
    barid_cli::main()
}
