"""Execute the lessons, and write them back as they are to be committed.

``python tests/tools/lessons.py [demos/lessons/1_backpropagation.ipynb ...]``: without names, all.
They run as a student runs them, but in an empty folder, without Graphviz's ``dot`` and without a
display.  A lesson in which a cell fails or warns is not written.

What is left out of a lesson is what differs from run to run, from machine to machine, or when a
picture is drawn a little larger: times, the version of Python, the size of a figure in words.
Pictures are kept in few colours: they are a quarter as large, and look the same.
"""

import base64
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image

LESSONS = sorted((Path(__file__).parents[2] / "demos" / "lessons").glob("*.ipynb"))
SECONDS = 300  #: that a lesson may take on a slow machine, with the interpreted engine
RUN = "from nbclient.cli import main; main()"
COLOURS = 64
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path):
    """A lesson with the outputs that its cells give now, normalised."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
        environment = {name: x for name, x in os.environ.items() if name not in hidden}
        done = subprocess.run(
            [sys.executable, "-c", RUN, "--inplace", "--allow-errors", copy],
            cwd=folder,
            env={**environment, "PATH": folder, "IPYTHONDIR": str(Path(folder) / "ipython")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"{Path(path).name} could not be run: {done.stderr}")
        return normalised(nbformat.read(copy, nbformat.NO_CONVERT))


def normalised(notebook):
    """The notebook without what differs from run to run."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    picture = base64.b64decode(output.data["image/png"])
                    output.data["image/png"] = base64.b64encode(in_few_colours(picture)).decode()
                    output.data.pop("text/plain", None)
    return notebook


def in_few_colours(picture):
    """A PNG in few of its colours; each other becomes the one nearest to it.

    Half of them are the most frequent; then comes, time and again, what is farthest from all.
    """
    image = Image.open(io.BytesIO(picture))
    if image.mode == "P":
        return picture
    pixels = np.asarray(image.convert("RGB"))
    packed, which, counts = np.unique(
        pixels @ np.array([1 << 16, 1 << 8, 1]), return_inverse=True, return_counts=True
    )
    colours = packed[:, None] >> [16, 8, 0] & 255
    distances = np.full((COLOURS, len(colours)), np.inf)
    kept = np.zeros(COLOURS, int)
    frequent = np.argsort(-counts, kind="stable")
    for i in range(COLOURS):
        often = 2 * i < min(COLOURS, len(colours))
        kept[i] = frequent[i] if often else distances[:i].min(axis=0).argmax()
        distances[i] = ((colours - colours[kept[i]]) ** 2).sum(axis=1)
    nearest = distances.argmin(axis=0)[which.ravel()].reshape(pixels.shape[:2])
    few = Image.fromarray(nearest.astype(np.uint8))
    few.putpalette(colours[kept].astype(np.uint8).tobytes())
    found = io.BytesIO()
    few.save(found, "png", optimize=True)
    return found.getvalue()


def joined(outputs):
    """The outputs, of which what was printed in several pieces is one."""
    found = []
    for output in outputs:
        if "metadata" in output:
            output.metadata = nbformat.from_dict({})
        before = found[-1] if found else {}
        if output.output_type == "stream" and output.name == before.get("name"):
            before.text += output.text
        else:
            found.append(output)
    return found


def faults(notebook):
    """What is wrong in the outputs of an executed lesson: errors and warnings, with their cells."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                found.append(f"{cell.id}: {output.ename}: {output.evalue}")
            elif output.get("name") == "stderr":
                found.append(f"{cell.id}: {output.text.strip()}")
    return found


def written(notebook):
    """The text of a lesson's file."""
    return nbformat.writes(notebook) + "\n"


def main(paths):
    """Execute lessons in place; the status is 1 if one has a fault."""
    status = 0
    for path in paths:
        notebook = execute(path)
        found = faults(notebook)
        if found:
            status = 1
            print(f"{path.name} is not written:", *found, sep="\n    ")
        else:
            path.write_text(written(notebook), encoding="utf-8")
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return status


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or LESSONS))
