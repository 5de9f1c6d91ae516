"""From a function to a program that runs::

    f --trace--> Program --derivatives--> Program --passes--> Program --vectorize--> Machine
        |            (of f)       ^            (of its derivatives)                     ^
        '-- guards ---------------|------------------------------- decisions: which program?
                                rules: the table's partials, traced

* ``program`` -- the intermediate representation: instructions in arrays, no Python object a node;
* ``trace`` -- a function's run on Values becomes a program, and its comparisons become guards;
* ``rules`` -- the table's partial derivatives as small programs;
* ``derivatives`` -- reverse and forward mode: from a program to that of its derivatives;
* ``passes`` -- from a program to a simpler one that computes the same, bit for bit; ``simplify``,
  all of them, also over what vmaps run;
* ``sums`` -- chains of additions, and of products, as one instruction each;
* ``vectorize`` -- instructions that do the same at the same time as one vector instruction;
  ``lanes``, how their operands stand in memory; ``scatter``, the adjoints of what ``take`` reads;
* ``machine`` -- run a program, one instruction after the other or in vectors;
* ``batch`` -- run it for many lanes, each with numbers of its own; ``mapped``, a ``vmap`` of a
  program, whose lanes may go different ways;
* ``scans`` -- what ``scan`` does, and its pullback; ``stepper`` and ``scanned`` run them,
  ``scan_derivatives`` and ``scan_rules`` differentiate them, ``scan_simplify`` trims them;
* ``decisions`` -- from numbers to the program, of many, whose guards hold for them;
* ``writing`` -- a program as text, and as Python source;
* ``sparsity`` -- which derivatives are zero whatever the numbers, and how to compute the others;
* ``numbering``, ``emitter``, ``loops`` -- what of all this goes node by node or instruction by
  instruction, compiled where there is a compiler: for the trace, the derivatives, and the rest.
"""
