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

/// A package as it was published before unverified ratings were kept apart: its pages left out, for those are rendered by
/// the program that published them.
const OLD_PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/package-1");

#[test]
fn a_package_of_the_first_format_is_read_and_only_its_pages_are_not_rendered_again() {
    let report = verify::verify(Path::new(OLD_PACKAGE)).unwrap();

    assert_eq!((report.files, report.lists.len()), (5, 1));
    let [fault] = &report.faults[..] else {
        panic!("{:?}", report.faults);
    };
    assert_eq!(fault.file, "goi-du-lieu/chung.json");
    assert!(
        fault
            .cause
            .contains("was made by the program with fingerprint f67de5547e7c8834")
    );
}

#[test]
fn a_number_changed_in_a_package_of_the_first_format_is_found() {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(OLD_PACKAGE), folder.path());
    let unit = folder.path().join("goi-du-lieu/don-vi/hai-chau.json");
    let text = fs::read_to_string(&unit).unwrap();
    fs::write(&unit, text.replacen("\"sat\": 4", "\"sat\": 5", 1)).unwrap();

    let report = verify::verify(folder.path()).unwrap();

    let causes = report.faults.iter().map(|fault| fault.cause.as_str());
    let causes: Vec<&str> = causes.collect();
    for cause in [
        "is not the file whose digest is listed",
        "2026: ratings are not those satisfied and those not",
        "2026: the strata do not add up to the total",
    ] {
        assert!(causes.contains(&cause), "{causes:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
