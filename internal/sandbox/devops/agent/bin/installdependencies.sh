#!/bin/bash
echo "Finish Install Dependencies"
