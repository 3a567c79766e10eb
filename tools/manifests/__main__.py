"""``python -m tools.manifests`` writes what is made from the code; a test compares the two."""

from tools.manifests import monitoring, strimzi

if __name__ == "__main__":
    for path, text in (*strimzi.files(), *monitoring.files()):
        path.write_text(text, encoding="utf-8")
