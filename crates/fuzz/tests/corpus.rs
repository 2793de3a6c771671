//! Every target runs over the corpus: what was ever found stays mended.

use std::path::Path;

#[test]
fn every_target_takes_its_corpus() {
    for (name, target) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|_| panic!("{name} has no corpus"))
            .collect();
        assert!(!files.is_empty(), "{name} has an empty corpus");
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
        }
    }
}
