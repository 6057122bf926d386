//! The `barid` program under the name that the tests start it by.

fn main() -> std::process::ExitCode {
    barid_cli::main()
}
