# SPDX-License-Identifier: GPL-2.0-only
"""How scripts/docs has Sphinx build this folder.

kernel-doc, automarkup and kernel_abi are the kernel's own extensions, from the
source tree in $srctree.
"""
import os
import subprocess
import sys

from docutils import nodes
from docutils.parsers.rst import Directive

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.environ['srctree'], 'Documentation/sphinx'))

import kernel_abi  # noqa: E402, needs the path above

project = 'iotimer'
author = copyright = 'The iotimer developers'
extensions = ['kerneldoc', 'automarkup', 'kernel_abi', 'sphinx.ext.graphviz']
exclude_patterns = ['build', 'man']
primary_domain = 'c'
default_role = 'any'
highlight_language = 'none'

# Our sources, our ABI files.
kerneldoc_srctree = top
kernel_abi.path = os.path.join(top, 'Documentation/ABI')

# What the interface speaks of and the kernel documents.
nitpick_ignore = [('c:identifier', name) for name in (
    'device', 'hrtimer', 'irq_work', 'kref', 'cdev', 'list_head', 'spinlock_t',
    'raw_spinlock_t', 'work_struct', 'wait_queue_head_t', 'timer_list',
    'ktime_t', 'u8', 'u32', 'u64', 'size_t', 'bool', 'sim_request', 'sim_hw')]

# scripts/man
man_pages = [('iotimer', 'iotimer', 'a routine called once a second for each device', [], 9)]

html_theme = 'alabaster'
html_theme_options = {
    'description': "Windows' IoTimer for Linux",
    'page_width': 'auto',
    'body_max_width': 'none',
    'sidebar_width': '15em',
    'fixed_sidebar': True,
}
html_static_path = ['static']
html_css_files = ['iotimer.css']
html_show_sphinx = False
html_copy_source = False
graphviz_output_format = 'svg'
graphviz_dot_args = ['-Nfontname=sans-serif', '-Efontname=sans-serif', '-Nfontsize=12', '-Efontsize=11']


class ManPage(Directive):
    """``.. man-page:: man/FILE``: the page as mandoc renders it."""

    required_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        path = env.relfn2path(self.arguments[0])[1]
        env.note_dependency(path)
        html = subprocess.run(['mandoc', '-T', 'html', '-O', 'fragment', path],
                              check=True, capture_output=True, text=True).stdout
        html = html.replace('<h1 ', '<h2 ').replace('</h1>', '</h2>')
        return [nodes.raw('', f'<div class="man">{html}</div>', format='html')]


def setup(app):
    app.add_directive('man-page', ManPage)
