//! The command: what it says, how it ends, and what it is made of.
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop at once"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn verify(arguments: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verify"));
    command.args(arguments).output().unwrap()
}

#[test]
fn without_a_folder_or_without_a_package_in_it_the_command_says_what_it_needs() {
    let empty = tempfile::tempdir().unwrap();

    let alone = verify(&[]);
    let nothing = verify(&[empty.path()]);

    assert_eq!(
        (alone.status.code(), nothing.status.code()),
        (Some(2), Some(2))
    );
    assert!(String::from_utf8(alone.stderr).unwrap().contains("usage"));
}

#[test]
fn a_fault_is_named_with_its_file_and_the_command_fails() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("goi-du-lieu");
    fs::create_dir(&package).unwrap();
    let sums = format!(
        "{}  ket-qua/index.html\n{}  ../../etc/passwd\nnonsense\n",
        "0".repeat(64),
        "0".repeat(64)
    );
    fs::write(package.join("SHA256SUMS"), sums).unwrap();
    fs::create_dir(folder.path().join("ket-qua")).unwrap();
    fs::write(folder.path().join("ket-qua/index.html"), "x").unwrap();

    let output = verify(&[folder.path()]);

    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for fault in [
        "ket-qua/index.html: is not the file whose digest is listed",
        "goi-du-lieu/SHA256SUMS: line 2 is no digest and file",
        "goi-du-lieu/SHA256SUMS: line 3 is no digest and file",
        "goi-du-lieu/chung.json: is missing from the package",
    ] {
        assert!(said.contains(fault), "{said}");
    }
}

#[test]
fn the_command_links_nothing_of_the_server() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "verify", "--edges", "normal"])
        .args(["--prefix", "none", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();

    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        crates.contains(&"thuocdo") && crates.contains(&"ct-merkle"),
        "{tree}"
    );
    for server in [
        "aws", "lambda", "tokio", "hyper", "rustls", "dynoxide", "s3s", "local",
    ] {
        let linked = crates.iter().find(|name| name.starts_with(server));
        assert_eq!(linked, None, "{tree}");
    }
}
